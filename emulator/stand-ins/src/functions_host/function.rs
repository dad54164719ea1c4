//! Functions: one folder each, with a `function.json` (`HostFunctionMetadataProvider.cs`).

use std::fs;
use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;

use super::HostError;
use super::app_folder::{is_enabled, parse};
use super::route::Template;
use super::timer::{Schedule, TimerFunction};

/// A function with an HTTP trigger.
#[derive(Debug)]
pub(super) struct Function {
    pub(super) name: String,
    pub(super) trigger: String,
    pub(super) output: String,
    pub(super) auth_level: AuthLevel,
    /// `None` allows all methods.
    methods: Option<Vec<String>>,
    pub(super) template: Template,
    /// Whether `AzureWebJobs.{Name}.Disabled` is set.
    pub(super) disabled: bool,
}

/// The functions of an app.
#[derive(Debug, Default)]
pub(super) struct Functions {
    /// In the order in which the host matches them.
    pub(super) http: Vec<Arc<Function>>,
    pub(super) timers: Vec<Arc<TimerFunction>>,
    /// The errors of functions that are not served.
    pub(super) errors: Vec<String>,
}

/// The level of key that a function requires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum AuthLevel {
    Anonymous,
    Function,
    Admin,
}

#[derive(Deserialize)]
struct FunctionJson {
    bindings: Vec<Binding>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Binding {
    r#type: String,
    direction: Option<String>,
    name: String,
    auth_level: Option<AuthLevel>,
    methods: Option<Vec<String>>,
    route: Option<String>,
    schedule: Option<String>,
    run_on_startup: Option<bool>,
    use_monitor: Option<bool>,
}

/// The folder of one function.
struct Folder<'a> {
    path: &'a Path,
    name: String,
    prefix: &'a str,
    disabled: bool,
}

impl Function {
    /// Whether the function accepts this method.
    pub(super) fn accepts(&self, method: &str) -> bool {
        let is_this = |taken: &String| taken.eq_ignore_ascii_case(method);
        self.methods.as_ref().is_none_or(|methods| methods.iter().any(is_this))
    }

    /// Whether both could match the same request (`ScriptHost.HttpRoutesConflict`).
    fn conflicts_with(&self, other: &Self) -> bool {
        let share_a_method = match (&self.methods, &other.methods) {
            (Some(methods), Some(others)) if !methods.is_empty() && !others.is_empty() => {
                methods.iter().any(|method| others.contains(method))
            }
            _ => true,
        };
        share_a_method && self.template.has_same_text_as(&other.template)
    }
}

/// Reads all functions in the order in which the host matches them: by name, ordinal, ignoring case
/// (`FunctionMetadataManager.cs`).
///
/// # Errors
/// If a file is unreadable or uses something unsupported.
pub(super) fn read_all(
    root: &Path,
    prefix: &str,
    settings: &[(String, String)],
) -> Result<Functions, HostError> {
    let unreadable = |error: std::io::Error| HostError::AppFolder {
        path: root.to_owned(),
        problem: error.to_string(),
    };
    let mut files = Vec::new();
    for entry in fs::read_dir(root).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let file = entry.path().join("function.json");
        if file.is_file() {
            files.push((entry.file_name().to_string_lossy().into_owned(), file));
        }
    }
    // .NET compares in upper case, so an underscore sorts after the letters.
    files.sort_by_key(|(name, _)| name.to_ascii_uppercase());
    let mut functions = Functions::default();
    for (name, path) in &files {
        let disabled = is_enabled(settings, &format!("AzureWebJobs.{name}.Disabled"));
        Folder { path, name: name.clone(), prefix, disabled }.read_into(&mut functions)?;
    }
    Ok(functions)
}

impl Folder<'_> {
    fn read_into(self, functions: &mut Functions) -> Result<(), HostError> {
        if !is_name(&self.name) {
            return Err(self.invalid("the folder's name is not a valid function name"));
        }
        let FunctionJson { bindings } = parse(self.path)?;
        let of_type = |wanted: &str| {
            bindings.iter().find(|binding| binding.r#type.eq_ignore_ascii_case(wanted))
        };
        if let Some(trigger) = of_type("timerTrigger") {
            functions.timers.push(Arc::new(self.timer(trigger)?));
            return Ok(());
        }
        let trigger = of_type("httpTrigger")
            .ok_or_else(|| self.invalid("there is no httpTrigger and no timerTrigger"))?;
        let output = of_type("http").ok_or_else(|| self.invalid("there is no http output"))?;
        if !output.direction.as_deref().is_some_and(|it| it.eq_ignore_ascii_case("out")) {
            let problem = format!("{}: an http binding can only be used for output", self.name);
            functions.errors.push(problem);
            return Ok(());
        }
        let function = self.http(trigger, output)?;
        match functions.http.iter().find(|earlier| earlier.conflicts_with(&function)) {
            Some(earlier) => functions.errors.push(format!(
                "{}: its route conflicts with the one of {}",
                function.name, earlier.name
            )),
            None => functions.http.push(Arc::new(function)),
        }
        Ok(())
    }

    fn http(self, trigger: &Binding, output: &Binding) -> Result<Function, HostError> {
        if output.name == "$return" {
            // It would be read from `ReturnValue`, with rules of its own.
            return Err(self.invalid("an output named $return is not supported"));
        }
        let route = trigger.route.as_deref().unwrap_or(&self.name);
        // `ScriptHost.ValidateHttpFunction` compares the text, so it refuses "administrators" too.
        let lower = route.to_ascii_lowercase();
        if lower.starts_with("admin") || lower.starts_with("runtime") || route.starts_with('/') {
            return Err(self.invalid("the route begins with admin, runtime or a slash"));
        }
        let template = Template::parse(&format!("{}/{route}", self.prefix))
            .ok_or_else(|| self.invalid("the route template is invalid or not supported"))?;
        Ok(Function {
            trigger: trigger.name.clone(),
            output: output.name.clone(),
            auth_level: trigger.auth_level.unwrap_or(AuthLevel::Function),
            methods: trigger.methods.clone(),
            template,
            disabled: self.disabled,
            name: self.name,
        })
    }

    fn timer(self, trigger: &Binding) -> Result<TimerFunction, HostError> {
        if trigger.run_on_startup == Some(true) || trigger.use_monitor == Some(false) {
            return Err(self.invalid("runOnStartup and useMonitor are not supported"));
        }
        let schedule = trigger.schedule.as_deref().and_then(Schedule::parse);
        let schedule = schedule
            .ok_or_else(|| self.invalid("the schedule is not a six-field NCRONTAB expression"))?;
        Ok(TimerFunction {
            trigger: trigger.name.clone(),
            schedule,
            disabled: self.disabled,
            name: self.name,
        })
    }

    fn invalid(&self, problem: &str) -> HostError {
        HostError::AppFolder { path: self.path.to_owned(), problem: problem.to_owned() }
    }
}

/// A valid name is a letter and up to 127 letters, digits, underscores and hyphens; `host` is
/// reserved.
fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.len() <= 128
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
        && !name.eq_ignore_ascii_case("host")
}

//! Functions: one folder each, with a `function.json` (`HostFunctionMetadataProvider.cs`).

use std::fs;
use std::path::Path;

use serde::Deserialize;

use super::HostError;
use super::app_folder::{is_on, parse};
use super::route::Template;

/// A function with an HTTP trigger.
#[derive(Debug)]
pub(super) struct Function {
    pub(super) name: String,
    pub(super) trigger: String,
    pub(super) output: String,
    pub(super) auth_level: AuthLevel,
    /// Upper case; absent means all.
    methods: Option<Vec<String>>,
    pub(super) template: Template,
    /// Whether `AzureWebJobs.{Name}.Disabled` is set.
    pub(super) disabled: bool,
}

/// Which keys open a function.
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
    name: String,
    auth_level: Option<AuthLevel>,
    methods: Option<Vec<String>>,
    route: Option<String>,
}

impl Function {
    /// Whether it takes this method.
    pub(super) fn takes(&self, method: &str) -> bool {
        self.methods.as_ref().is_none_or(|methods| methods.iter().any(|taken| taken == method))
    }
}

/// Reads all functions, in the order in which the host tries them: by name, ordinal, ignoring
/// letter case (`FunctionMetadataManager.cs`).
///
/// # Errors
/// If a file says something that this host cannot do.
pub(super) fn read_all(
    root: &Path,
    prefix: &str,
    settings: &[(String, String)],
) -> Result<Vec<Function>, HostError> {
    let unreadable = |error: std::io::Error| HostError::AppFolder {
        path: root.to_owned(),
        what: error.to_string(),
    };
    let mut functions = Vec::new();
    for entry in fs::read_dir(root).map_err(unreadable)? {
        let folder = entry.map_err(unreadable)?.path();
        let path = folder.join("function.json");
        if path.is_file() {
            functions.push(read(&folder, &path, prefix, settings)?);
        }
    }
    // .NET compares as if in upper case, so that an underscore comes after the letters.
    functions.sort_by_key(|function| function.name.to_ascii_uppercase());
    Ok(functions)
}

fn read(
    folder: &Path,
    path: &Path,
    prefix: &str,
    settings: &[(String, String)],
) -> Result<Function, HostError> {
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let wrong = |what: &str| HostError::AppFolder { path: path.to_owned(), what: what.to_owned() };
    if !is_name(&name) {
        return Err(wrong("the folder's name is none that a function may have"));
    }
    let FunctionJson { bindings } = parse(path)?;
    let of_type =
        |wanted: &str| bindings.iter().find(|binding| binding.r#type.eq_ignore_ascii_case(wanted));
    let trigger = of_type("httpTrigger").ok_or_else(|| wrong("there is no httpTrigger"))?;
    let output = of_type("http").ok_or_else(|| wrong("there is no http output"))?;
    if output.name == "$return" {
        // It is read from `ReturnValue`, in ways of its own.
        return Err(wrong("an output named $return is not emulated"));
    }
    let route = trigger.route.as_deref().unwrap_or(&name);
    // `ScriptHost.ValidateHttpFunction` looks at the text, so "administrators" is refused too.
    let lower = route.to_ascii_lowercase();
    if lower.starts_with("admin") || lower.starts_with("runtime") || route.starts_with('/') {
        return Err(wrong("the route begins with admin, runtime or a slash"));
    }
    let template = Template::parse(&format!("{prefix}/{route}"))
        .ok_or_else(|| wrong("the route is no template that is emulated"))?;
    Ok(Function {
        trigger: trigger.name.clone(),
        output: output.name.clone(),
        auth_level: trigger.auth_level.unwrap_or(AuthLevel::Function),
        methods: trigger
            .methods
            .as_ref()
            .map(|methods| methods.iter().map(|method| method.to_ascii_uppercase()).collect()),
        template,
        disabled: is_on(settings, &format!("AzureWebJobs.{name}.Disabled")),
        name,
    })
}

/// A letter, then up to 127 letters, digits, underscores and hyphens; `host` is taken.
fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.len() <= 128
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
        && !name.eq_ignore_ascii_case("host")
}

//! What the host reads from an app's folder: `host.json` and one `function.json` per function.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::HostError;
use super::route::Template;

/// An app as it lies on disk.
#[derive(Debug)]
pub(super) struct AppFolder {
    pub(super) root: PathBuf,
    pub(super) executable: PathBuf,
    pub(super) arguments: Vec<String>,
    pub(super) working_directory: PathBuf,
    pub(super) initialization_timeout: Duration,
    pub(super) function_timeout: Duration,
    pub(super) outstanding_max: Option<usize>,
    /// In the order in which the host tries them: by name, ignoring letter case
    /// (`FunctionMetadataManager.cs`).
    pub(super) functions: Vec<Function>,
}

/// A function with an HTTP trigger.
#[derive(Debug)]
pub(super) struct Function {
    pub(super) name: String,
    pub(super) trigger: String,
    pub(super) output: String,
    pub(super) auth_level: AuthLevel,
    /// Upper case; absent means all.
    pub(super) methods: Option<Vec<String>>,
    pub(super) template: Template,
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
#[serde(rename_all = "camelCase")]
struct HostJson {
    custom_handler: CustomHandler,
    function_timeout: Option<String>,
    #[serde(default)]
    extensions: Extensions,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CustomHandler {
    description: Description,
    initialization_timeout: Option<String>,
    #[serde(default)]
    enable_forwarding_http_request: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Description {
    default_executable_path: String,
    #[serde(default)]
    arguments: Vec<String>,
    #[serde(default)]
    working_directory: String,
}

#[derive(Default, Deserialize)]
struct Extensions {
    #[serde(default)]
    http: HttpExtension,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct HttpExtension {
    route_prefix: Option<String>,
    max_outstanding_requests: Option<i64>,
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

impl AppFolder {
    /// Reads a folder.
    ///
    /// # Errors
    /// If a file is missing or says something that this host cannot do.
    pub(super) fn read(root: &Path) -> Result<Self, HostError> {
        let path = root.join("host.json");
        let host: HostJson = parse(&path)?;
        let wrong = |what: &str| HostError::AppFolder { path: path.clone(), what: what.to_owned() };
        if host.custom_handler.enable_forwarding_http_request {
            return Err(wrong("enableForwardingHttpRequest is not emulated"));
        }
        let description = host.custom_handler.description;
        let executable = root.join(&description.default_executable_path);
        if !executable.is_file() {
            return Err(wrong(&format!("there is no {}", executable.display())));
        }
        let duration = |text: Option<String>, default: u64| match text {
            None => Ok(Duration::from_secs(default)),
            Some(text) => timespan(&text).ok_or_else(|| wrong("a time is not hh:mm:ss")),
        };
        let prefix = host.extensions.http.route_prefix.unwrap_or_else(|| "api".to_owned());
        Ok(Self {
            working_directory: root.join(description.working_directory),
            root: root.to_owned(),
            executable,
            arguments: description.arguments,
            initialization_timeout: duration(host.custom_handler.initialization_timeout, 30)?,
            function_timeout: duration(host.function_timeout, 30 * 60)?,
            outstanding_max: host
                .extensions
                .http
                .max_outstanding_requests
                .and_then(|count| usize::try_from(count).ok()),
            functions: functions(root, &prefix)?,
        })
    }
}

fn functions(root: &Path, prefix: &str) -> Result<Vec<Function>, HostError> {
    let unreadable = |error: std::io::Error| HostError::AppFolder {
        path: root.to_owned(),
        what: error.to_string(),
    };
    let mut functions = Vec::new();
    for entry in fs::read_dir(root).map_err(unreadable)? {
        let folder = entry.map_err(unreadable)?.path();
        let path = folder.join("function.json");
        if path.is_file() {
            functions.push(function(&folder, &path, prefix)?);
        }
    }
    functions.sort_by_key(|function| function.name.to_ascii_lowercase());
    Ok(functions)
}

fn function(folder: &Path, path: &Path, prefix: &str) -> Result<Function, HostError> {
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let wrong = |what: &str| HostError::AppFolder { path: path.to_owned(), what: what.to_owned() };
    let FunctionJson { bindings } = parse(path)?;
    let of_type =
        |wanted: &str| bindings.iter().find(|binding| binding.r#type.eq_ignore_ascii_case(wanted));
    let trigger = of_type("httpTrigger").ok_or_else(|| wrong("there is no httpTrigger"))?;
    let output = of_type("http").ok_or_else(|| wrong("there is no http output"))?;
    let route = trigger.route.clone().unwrap_or_else(|| name.clone());
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
        name,
    })
}

fn parse<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<T, HostError> {
    let wrong = |what: String| HostError::AppFolder { path: path.to_owned(), what };
    let text = fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    // By way of a value, since a type with borrowed parts could not come out of this function.
    let value: Value = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    serde_json::from_value(value).map_err(|error| wrong(error.to_string()))
}

/// `hh:mm:ss`; `-1` stands for no limit, which is a day here.
fn timespan(text: &str) -> Option<Duration> {
    if text == "-1" {
        return Some(Duration::from_secs(24 * 60 * 60));
    }
    let mut parts = text.split(':');
    let (hours, minutes, seconds) = (parts.next()?, parts.next()?, parts.next()?);
    let whole = hours.parse::<u64>().ok()? * 3600 + minutes.parse::<u64>().ok()? * 60;
    Some(Duration::from_secs(whole) + Duration::from_secs_f64(seconds.parse().ok()?))
        .filter(|_| parts.next().is_none())
}

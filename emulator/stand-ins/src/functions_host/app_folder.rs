//! Reads an app's folder: `host.json` and the functions.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::HostError;
use super::function::{self, Functions};

/// Larger bodies fail the invocation, unless `FUNCTIONS_REQUEST_BODY_SIZE_LIMIT` sets another
/// limit.
const BODY_BYTES_MAX: usize = 104_857_600;

/// The configuration of a packaged app.
#[derive(Debug)]
pub(super) struct AppFolder {
    pub(super) root: PathBuf,
    pub(super) executable: PathBuf,
    pub(super) arguments: Vec<String>,
    pub(super) working_directory: PathBuf,
    pub(super) initialization_timeout: Duration,
    pub(super) function_timeout: Duration,
    pub(super) outstanding_max: Option<usize>,
    pub(super) concurrent_max: Option<usize>,
    pub(super) body_bytes_max: usize,
    pub(super) has_home_page: bool,
    pub(super) custom_headers: Vec<(String, String)>,
    pub(super) functions: Functions,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HostJson {
    custom_handler: CustomHandler,
    function_timeout: Option<String>,
    #[serde(default)]
    extensions: Extensions,
}

/// Other members are not supported.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CustomHandler {
    description: Description,
    initialization_timeout: Option<String>,
    #[serde(default)]
    enable_forwarding_http_request: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
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
#[serde(rename_all = "camelCase", default)]
struct HttpExtension {
    route_prefix: Option<String>,
    max_outstanding_requests: Option<i64>,
    max_concurrent_requests: Option<i64>,
    custom_headers: Map<String, Value>,
}

impl AppFolder {
    /// Reads a folder, with the app settings that override it.
    ///
    /// # Errors
    /// If a file is missing or uses something unsupported.
    pub(super) fn read(root: &Path, settings: &[(String, String)]) -> Result<Self, HostError> {
        let path = root.join("host.json");
        let host: HostJson = parse(&path)?;
        let invalid = |problem: &str| HostError::AppFolder {
            path: path.clone(),
            problem: problem.to_owned(),
        };
        if host.custom_handler.enable_forwarding_http_request {
            return Err(invalid("enableForwardingHttpRequest is not supported"));
        }
        let description = host.custom_handler.description;
        if description.arguments.iter().any(|argument| argument.contains('%')) {
            return Err(invalid("variables in arguments are not supported"));
        }
        let executable = root.join(&description.default_executable_path);
        if !executable.is_file() {
            return Err(invalid(&format!("there is no {}", executable.display())));
        }
        let duration = |text: Option<String>, default: u64| match text {
            None => Ok(Duration::from_secs(default)),
            Some(text) => timespan(&text).ok_or_else(|| invalid("a time is not hh:mm:ss")),
        };
        let limit = |count: Option<i64>| count.and_then(|count| usize::try_from(count).ok());
        let http = host.extensions.http;
        let prefix = http.route_prefix.as_deref().unwrap_or("api");
        Ok(Self {
            working_directory: root.join(description.working_directory),
            root: root.to_owned(),
            executable,
            arguments: split_arguments(&description.arguments),
            initialization_timeout: duration(host.custom_handler.initialization_timeout, 30)?,
            function_timeout: duration(host.function_timeout, 30 * 60)?,
            outstanding_max: limit(http.max_outstanding_requests),
            concurrent_max: limit(http.max_concurrent_requests),
            body_bytes_max: setting(settings, "FUNCTIONS_REQUEST_BODY_SIZE_LIMIT")
                .and_then(|text| text.parse().ok())
                .unwrap_or(BODY_BYTES_MAX),
            has_home_page: !is_enabled(settings, "AzureWebJobsDisableHomepage"),
            custom_headers: headers(http.custom_headers)
                .ok_or_else(|| invalid("customHeaders has a value that is not a string"))?,
            functions: function::read_all(root, prefix, settings)?,
        })
    }
}

/// Reads a JSON file.
pub(super) fn parse<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<T, HostError> {
    let invalid = |problem: String| HostError::AppFolder { path: path.to_owned(), problem };
    let text = fs::read_to_string(path).map_err(|error| invalid(error.to_string()))?;
    // Parsed as a value first, since a type with borrowed parts cannot be returned.
    let value: Value = serde_json::from_str(&text).map_err(|error| invalid(error.to_string()))?;
    serde_json::from_value(value).map_err(|error| invalid(error.to_string()))
}

/// Whether an app setting is `1` or `true`.
pub(super) fn is_enabled(settings: &[(String, String)], name: &str) -> bool {
    setting(settings, name).is_some_and(|value| value == "1" || value.eq_ignore_ascii_case("true"))
}

fn setting<'a>(settings: &'a [(String, String)], name: &str) -> Option<&'a str> {
    settings.iter().rfind(|(candidate, _)| candidate == name).map(|(_, value)| value.as_str())
}

/// The host does not quote arguments, so an argument with a space becomes two
/// (`DefaultWorkerProcessFactory.cs`).
fn split_arguments(arguments: &[String]) -> Vec<String> {
    arguments.iter().flat_map(|text| text.split_whitespace()).map(str::to_owned).collect()
}

fn headers(headers: Map<String, Value>) -> Option<Vec<(String, String)>> {
    headers.into_iter().map(|(name, value)| Some((name, value.as_str()?.to_owned()))).collect()
}

/// Parses `hh:mm:ss`; `-1` means no limit, which is a day here.
fn timespan(text: &str) -> Option<Duration> {
    if text == "-1" {
        return Some(Duration::from_secs(24 * 60 * 60));
    }
    let mut parts = text.split(':');
    let (hours, minutes, seconds) = (parts.next()?, parts.next()?, parts.next()?);
    let whole = hours.parse::<u64>().ok()? * 3600 + minutes.parse::<u64>().ok()? * 60;
    let seconds = Duration::try_from_secs_f64(seconds.parse().ok()?).ok()?;
    Some(Duration::from_secs(whole) + seconds).filter(|_| parts.next().is_none())
}

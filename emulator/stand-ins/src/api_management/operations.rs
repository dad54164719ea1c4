//! Matches requests to the operations of the API.

use std::sync::Arc;

use hyper::Method;
use serde_json::Value;

/// The operations of an `OpenAPI` document, as API Management imports them.
pub(super) struct Operations(Vec<Operation>);

struct Operation {
    id: Arc<str>,
    method: Method,
    segments: Vec<Segment>,
}

enum Segment {
    /// Case-insensitive.
    Literal(String),
    Parameter,
}

impl Operations {
    /// The operations of a document; incomplete ones are skipped.
    pub(super) fn from_openapi(document: &Value) -> Self {
        let paths = document["paths"].as_object().into_iter().flatten();
        let operations = paths.flat_map(|(path, methods)| {
            let methods = methods.as_object().into_iter().flatten();
            methods.filter_map(move |(method, operation)| {
                Some(Operation {
                    id: normalized(operation["operationId"].as_str()?).into(),
                    method: method.to_ascii_uppercase().parse().ok()?,
                    segments: path.split('/').skip(1).map(Segment::new).collect(),
                })
            })
        });
        Self(operations.collect())
    }

    /// The id of the operation with this method and path. If several match, the one whose first
    /// segments are literal wins.
    ///
    /// A path that could be normalised to one outside the API matches nothing, or a caller would
    /// reach the rest of the host with the gateway's key. API Management does not document how it
    /// treats such paths.
    pub(super) fn find(&self, method: &Method, path: &str) -> Option<Arc<str>> {
        let path = path.strip_prefix('/').filter(|path| is_within_api(path))?;
        // The host handles a trailing slash.
        let path = path.strip_suffix('/').unwrap_or(path);
        let segments: Vec<_> = path.split('/').collect();
        let candidates = self.0.iter().filter(|operation| {
            operation.method == *method
                && operation.segments.len() == segments.len()
                && operation
                    .segments
                    .iter()
                    .zip(&segments)
                    .all(|(own, asked)| own.matches_text(asked))
        });
        let literals = |operation: &&Operation| -> Vec<bool> {
            let segments = operation.segments.iter();
            segments.map(|segment| matches!(segment, Segment::Literal(_))).collect()
        };
        candidates.max_by_key(literals).map(|operation| Arc::clone(&operation.id))
    }
}

impl Segment {
    fn new(text: &str) -> Self {
        match text.starts_with('{') && text.ends_with('}') {
            true => Self::Parameter,
            false => Self::Literal(text.to_owned()),
        }
    }

    fn matches_text(&self, asked: &str) -> bool {
        match self {
            Self::Literal(text) => text.eq_ignore_ascii_case(asked),
            Self::Parameter => !asked.is_empty(),
        }
    }
}

/// The normalised id of an operation after import
/// (<https://learn.microsoft.com/azure/api-management/api-management-api-import-restrictions#normalization-rules-for-operationid>).
fn normalized(id: &str) -> String {
    let mut normalized = String::new();
    for character in id.chars() {
        if character.is_ascii_alphanumeric() {
            normalized.push(character.to_ascii_lowercase());
        } else if !normalized.ends_with('-') {
            normalized.push('-');
        }
    }
    normalized.trim_matches('-').to_owned()
}

/// Whether no segment is empty, except the last, or consists of dots, in any encoding.
fn is_within_api(path: &str) -> bool {
    let has_gap = path.starts_with('/') || path.contains("//");
    let path = path.to_ascii_lowercase().replace("%2e", ".").replace("%2f", "/");
    let path = path.replace("%5c", "/").replace('\\', "/");
    !has_gap && path.split('/').all(|segment| !matches!(segment, "." | ".."))
}

/// The request's name in telemetry: it contains nothing that the caller wrote below the first
/// segment.
pub(super) fn telemetry_name(method: &Method, path: &str) -> String {
    let path = path.trim_matches('/').to_ascii_lowercase();
    match path.split_once('/') {
        Some((first, _)) => format!("{method} /{first}/…"),
        None => format!("{method} /{path}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn operations() -> Operations {
        let operation = |id: &str| json!({ "operationId": id });
        Operations::from_openapi(&json!({ "paths": {
            "/patient": { "post": operation("CreatePatient") },
            "/patient/search": { "post": operation("SearchPatient") },
            "/patient/{patientId}": {
                "parameters": [],
                "get": operation("LoadPatient"),
                "head": operation("LoadPatientHead"),
                "post": operation("PostPatient"),
            },
            "/patient/{patientId}/tests/{testId}": { "get": operation("LoadTest") },
        } }))
    }

    fn found(method: &str, path: &str) -> Option<String> {
        let method = method.parse().expect("a method");
        operations().find(&method, path).map(|id| id.to_string())
    }

    #[test]
    fn method_and_path_select_the_operation() {
        for (method, path, operation) in [
            ("POST", "/patient", Some("createpatient")),
            ("POST", "/Patient/", Some("createpatient")),
            ("GET", "/PATIENT/1", Some("loadpatient")),
            ("HEAD", "/patient/1", Some("loadpatienthead")),
            ("GET", "/patient/1/", Some("loadpatient")),
            ("GET", "/patient/1/Tests/a%20b", Some("loadtest")),
            ("POST", "/patient/search", Some("searchpatient")),
            ("POST", "/patient/Search", Some("searchpatient")),
            ("POST", "/patient/1", Some("postpatient")),
            ("GET", "/patient/search", Some("loadpatient")),
            ("HEAD", "/patient/1/tests/2", None),
            ("PATCH", "/patient", None),
            ("GET", "/patient", None),
            ("GET", "/patient/", None),
            ("GET", "/patient/1/tests/", None),
            ("GET", "/patient/1/test/2", None),
            ("GET", "/patient/1/tests/2/3", None),
            ("GET", "/patients/1", None),
            ("GET", "/", None),
            ("GET", "", None),
            ("GET", "*", None),
        ] {
            assert_eq!(found(method, path).as_deref(), operation, "{method} {path}");
        }
    }

    #[test]
    fn a_path_that_could_leave_the_api_matches_nothing() {
        for (path, is_found) in [
            ("/patient/a..b", true),
            ("/patient/.c", true),
            ("/patient/%252e%252e", true),
            ("/patient/%5Cx%2F%2F", true),
            ("/admin/host/keys", false),
            ("//patient/1", false),
            ("/patient//1", false),
            ("/patient/1//", false),
            ("/patient/..", false),
            ("/patient/.", false),
            ("/patient/%2e%2E", false),
            ("/patient/.%2e", false),
            ("/patient/..%2fadmin", false),
            ("/patient/1%2F..%2F..%2Fadmin", false),
            ("/patient/..\\admin", false),
            ("/patient/..%5Cadmin", false),
        ] {
            assert_eq!(found("GET", path).is_some(), is_found, "{path}");
        }
    }

    #[test]
    fn names_in_telemetry_contain_no_ids() {
        for (method, path, name) in [
            (Method::POST, "/patient", "POST /patient"),
            (Method::POST, "/Patient/", "POST /patient"),
            (Method::GET, "/patient/Moana", "GET /patient/…"),
            (Method::GET, "/patient/7/tests", "GET /patient/…"),
        ] {
            assert_eq!(telemetry_name(&method, path), name);
        }
    }
}

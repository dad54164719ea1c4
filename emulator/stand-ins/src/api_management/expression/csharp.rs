//! C# semantics and the classes that expressions use.

use hyper::StatusCode;
use hyper::header::RETRY_AFTER;
use serde_json::{Value, json};

use super::{Evaluated, Exception};
use crate::api_management::context::{Context, Variable};
use crate::api_management::message::{Body, Response};
use crate::api_management::token::Jwt;

pub(super) fn null_reference() -> Exception {
    Exception("Object reference not set to an instance of an object.".to_owned())
}

fn invalid_cast() -> Exception {
    Exception("Specified cast is not valid.".to_owned())
}

/// `context.Response`; null throws.
pub(super) fn response(context: &Context) -> Evaluated<&Response> {
    context.response.as_ref().ok_or_else(null_reference)
}

pub(super) fn is_without_retry_after(context: &Context, status: StatusCode) -> Evaluated<bool> {
    let response = response(context)?;
    Ok(response.status == status && !response.headers.contains_key(RETRY_AFTER))
}

/// `context.Variables["name"]`; a missing variable throws.
fn variable<'c>(context: &'c Context, name: &str) -> Evaluated<&'c Variable> {
    let missing = || Exception("The given key was not present in the dictionary.".to_owned());
    context.variables.get(name).ok_or_else(missing)
}

/// `(string)context.Variables["name"]`.
pub(super) fn text<'c>(context: &'c Context, name: &str) -> Evaluated<Option<&'c str>> {
    match variable(context, name)? {
        Variable::Text(text) => Ok(Some(text)),
        Variable::Null => Ok(None),
        Variable::Response(_) | Variable::Token(_) => Err(invalid_cast()),
    }
}

/// `(IResponse)context.Variables["name"]`.
pub(super) fn response_in<'c>(context: &'c Context, name: &str) -> Evaluated<Option<&'c Response>> {
    match variable(context, name)? {
        Variable::Response(response) => Ok(Some(response)),
        Variable::Null => Ok(None),
        Variable::Text(_) | Variable::Token(_) => Err(invalid_cast()),
    }
}

/// `(Jwt)context.Variables["name"]`, of which a member is read.
pub(super) fn token<'c>(context: &'c Context, name: &str) -> Evaluated<&'c Jwt> {
    match variable(context, name)? {
        Variable::Token(token) => Ok(token),
        Variable::Null => Err(null_reference()),
        Variable::Text(_) | Variable::Response(_) => Err(invalid_cast()),
    }
}

/// `(string)response.Body.As<JObject>()["name"]`.
pub(super) fn string_in(response: &Response, name: &str) -> Evaluated<Option<String>> {
    let no_object = || Exception("Error reading JObject from JsonReader.".to_owned());
    let Body::Whole(bytes) = &response.body else {
        return Err(no_object());
    };
    let value: Value = serde_json::from_slice(bytes).map_err(|_| no_object())?;
    match value.as_object().ok_or_else(no_object)?.get(name) {
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(Value::Null) | None => Ok(None),
        Some(Value::Bool(truth)) => Ok(Some(truth.to_string())),
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(Value::Array(_) | Value::Object(_)) => Err(invalid_cast()),
    }
}

/// A problem in the format of `JObject.ToString`: indented, with Windows line ends.
pub(super) fn problem(
    context: &Context,
    kind: &str,
    title: &str,
    status: u16,
    detail: &str,
) -> String {
    let member = |name: &str, value: Value| format!("  \"{name}\": {value}");
    let members = [
        member("type", json!(format!("urn:problem:patient-records:{kind}"))),
        member("title", json!(title)),
        member("status", json!(status)),
        member("detail", json!(detail)),
        member("traceId", json!(context.request_id.simple().to_string())),
    ];
    format!("{{\r\n{}\r\n}}", members.join(",\r\n"))
}

//! Parses single policies.

use std::time::Duration;

use hyper::header::HeaderValue;
use hyper::{Method, StatusCode};

use super::super::PolicyError;
use super::super::expression::{self, Condition};
use super::super::limits::Limit;
use super::super::token::TokenRules;
use super::element::Element;
use super::{
    CacheLookupValue, ForwardRequest, HeaderText, ReturnResponse, SendRequest, SetHeader, Text,
};

pub(super) fn cache_lookup_value(element: Element<'_>) -> Result<CacheLookupValue, PolicyError> {
    element.expect_empty(&["key", "variable-name", "default-value", "caching-type"])?;
    element.expect_value("caching-type", "internal")?;
    let default = element.optional("default-value");
    Ok(CacheLookupValue {
        key: element.attribute("key")?.to_owned(),
        variable: element.attribute("variable-name")?.to_owned(),
        default: default
            .map(|_| element.attribute("default-value"))
            .transpose()?
            .map(str::to_owned),
    })
}

pub(super) fn forward_request(element: Element<'_>) -> Result<ForwardRequest, PolicyError> {
    element.expect_empty(&["timeout", "follow-redirects", "buffer-request-body"])?;
    element.expect_value("follow-redirects", "false")?;
    Ok(ForwardRequest {
        timeout: seconds(element, "timeout")?,
        buffer_request_body: match element.optional("buffer-request-body") {
            Some(_) => element.parsed("buffer-request-body")?,
            None => false,
        },
    })
}

pub(super) fn return_response(element: Element<'_>) -> Result<ReturnResponse, PolicyError> {
    element.expect_attributes(&[])?;
    let mut response = ReturnResponse { status: StatusCode::OK, headers: Vec::new(), body: None };
    for child in element.children()? {
        match child.name() {
            "set-status" => response.status = status(child)?,
            "set-header" => response.headers.push(set_header(child)?),
            "set-body" => response.body = Some(body(child)?),
            _ => return Err(child.unexpected(element)),
        }
    }
    Ok(response)
}

pub(super) fn send_request(element: Element<'_>) -> Result<SendRequest, PolicyError> {
    element.expect_attributes(&["mode", "response-variable-name", "timeout", "ignore-error"])?;
    element.expect_value("mode", "new")?;
    let (mut url, mut method, mut resource) = (None, None, None);
    for child in element.children()? {
        match child.name() {
            "set-url" => {
                child.expect_attributes(&[])?;
                let wrong = |error| child.error(format!("<set-url>: {error}"));
                url = Some(child.text()?.parse().map_err(wrong)?);
            }
            "set-method" => {
                child.expect_attributes(&[])?;
                let wrong = |_| child.error("<set-method> is not a method");
                method = Some(child.text()?.parse::<Method>().map_err(wrong)?);
            }
            "authentication-managed-identity" => {
                child.expect_empty(&["resource"])?;
                resource = Some(child.attribute("resource")?.to_owned());
            }
            _ => return Err(child.unexpected(element)),
        }
    }
    let missing = |name| move || element.error(format!("<send-request> lacks <{name}>"));
    Ok(SendRequest {
        variable: element.attribute("response-variable-name")?.to_owned(),
        timeout: seconds(element, "timeout")?,
        ignore_error: element.parsed("ignore-error")?,
        url: url.ok_or_else(missing("set-url"))?,
        method: method.ok_or_else(missing("set-method"))?,
        resource,
    })
}

pub(super) fn set_header(element: Element<'_>) -> Result<SetHeader, PolicyError> {
    element.expect_attributes(&["name", "exists-action"])?;
    let name = element.parsed("name")?;
    match (element.attribute("exists-action")?, &element.children()?[..]) {
        ("delete", []) => Ok(SetHeader { name, value: None }),
        ("override", [value]) if value.name() == "value" => {
            value.expect_attributes(&[])?;
            let text = match text(*value, value.text()?)? {
                Text::Expression(expression) => HeaderText::Expression(expression),
                Text::Literal(text) => {
                    let wrong = |_| value.error("<value> cannot be in a header");
                    HeaderText::Literal(HeaderValue::from_str(&text).map_err(wrong)?)
                }
            };
            Ok(SetHeader { name, value: Some(text) })
        }
        ("delete", [child, ..]) => Err(child.unexpected(element)),
        ("override", []) => Err(element.error("<set-header> lacks <value>")),
        ("override", [child, ..]) => Err(child.unexpected(element)),
        (action, _) => {
            Err(element.attribute_error("exists-action", format!("`{action}` is not supported")))
        }
    }
}

pub(super) fn status(element: Element<'_>) -> Result<StatusCode, PolicyError> {
    element.expect_empty(&["code", "reason"])?;
    element.attribute("reason")?;
    element.parsed("code")
}

pub(super) fn body(element: Element<'_>) -> Result<Text, PolicyError> {
    element.expect_attributes(&[])?;
    text(element, element.text()?)
}

pub(super) fn token_rules(element: Element<'_>) -> Result<TokenRules, PolicyError> {
    element.expect_attributes(&["tenant-id", "output-token-variable-name"])?;
    let mut rules = TokenRules {
        tenant: element.attribute("tenant-id")?.to_owned(),
        variable: element.attribute("output-token-variable-name")?.to_owned(),
        client_applications: Vec::new(),
        audiences: Vec::new(),
    };
    for child in element.children()? {
        match child.name() {
            "client-application-ids" => {
                rules.client_applications = texts(child, "application-id")?;
            }
            "audiences" => rules.audiences = texts(child, "audience")?,
            _ => return Err(child.unexpected(element)),
        }
    }
    Ok(rules)
}

pub(super) fn texts(element: Element<'_>, name: &str) -> Result<Vec<String>, PolicyError> {
    element.expect_attributes(&[])?;
    let children = element.children()?.into_iter();
    let text = |child: Element<'_>| match child.name() == name {
        true => child.expect_attributes(&[]).and_then(|()| child.text()).map(str::to_owned),
        false => Err(child.unexpected(element)),
    };
    children.map(text).collect()
}

pub(super) fn limit(element: Element<'_>) -> Result<Limit, PolicyError> {
    Ok(Limit { calls: element.parsed("calls")?, period: seconds(element, "renewal-period")? })
}

pub(super) fn seconds(element: Element<'_>, attribute: &str) -> Result<Duration, PolicyError> {
    element.parsed(attribute).map(Duration::from_secs)
}

/// The attribute `condition`, which must be a supported expression.
pub(super) fn condition(element: Element<'_>) -> Result<Condition, PolicyError> {
    let Some(source) = element.optional("condition") else {
        return Err(element.error(format!("<{}> lacks the attribute condition", element.name())));
    };
    Condition::condition(source).ok_or_else(|| {
        let message = format!("the condition {source} is not supported");
        element.attribute_error("condition", message)
    })
}

/// An attribute that may be an expression.
pub(super) fn text_attribute(element: Element<'_>, name: &str) -> Result<Text, PolicyError> {
    match element.optional(name) {
        Some(value) if value.starts_with('@') => text(element, value),
        _ => element.attribute(name).map(|value| Text::Literal(value.to_owned())),
    }
}

/// A literal string or a supported expression.
pub(super) fn text(element: Element<'_>, source: &str) -> Result<Text, PolicyError> {
    if !source.starts_with('@') {
        return Ok(Text::Literal(source.to_owned()));
    }
    let unknown = || element.error(format!("the expression {source} is not supported"));
    expression::Text::text(source).map(Text::Expression).ok_or_else(unknown)
}

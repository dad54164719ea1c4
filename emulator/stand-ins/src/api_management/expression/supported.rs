//! The supported expressions.

use hyper::StatusCode;

use super::SupportedExpression;
use super::csharp::{
    is_without_retry_after, null_reference, problem, response, response_in, string_in, text, token,
};
use super::source::Source;

/// What a problem's text begins with, given its members, up to its detail.
macro_rules! problem_before_detail {
    ($kind:literal, $title:literal, $status:literal) => {
        concat!(
            r#"@{ return new JObject(new JProperty("type", "urn:problem:patient-records:"#,
            $kind,
            r#""), new JProperty("title", ""#,
            $title,
            r#""), new JProperty("status", "#,
            $status,
            r#"), new JProperty("detail", ""#,
        )
    };
}

macro_rules! problem_after_detail {
    () => {
        r#""), new JProperty("traceId", context.RequestId.ToString("N"))).ToString(); }"#
    };
}

/// A problem with a constant detail.
macro_rules! problem_expression {
    ($kind:literal, $title:literal, $status:literal, $detail:literal) => {
        SupportedExpression {
            source: Source::Exact(concat!(
                problem_before_detail!($kind, $title, $status),
                $detail,
                problem_after_detail!(),
            )),
            value: |context, _| Ok(Some(problem(context, $kind, $title, $status, $detail))),
        }
    };
}

pub(super) const CONDITIONS: &[SupportedExpression<bool>] = &[
    SupportedExpression {
        source: Source::Number(
            "@(context.Request.Body != null && context.Request.Body.As<byte[]>(preserveContent: true).Length > ",
            ")",
        ),
        value: |context, inserted| {
            let length = context.request.body.length();
            Ok(length.is_some_and(|length| length > inserted.number()))
        },
    },
    SupportedExpression {
        source: Source::TrueAndEach(" && context.Product?.Id != \"", "\""),
        value: |context, inserted| {
            let product = context.subscription.as_ref().map(|subscription| &subscription.product);
            Ok(inserted.texts().iter().all(|id| Some(id) != product))
        },
    },
    SupportedExpression {
        source: Source::TrueAndEach(
            " && !string.Equals(context.Operation.Id, \"",
            "\", StringComparison.OrdinalIgnoreCase)",
        ),
        value: |context, inserted| {
            // With no ids, `context.Operation` is not evaluated.
            let mut ids = inserted.texts().iter();
            ids.try_fold(true, |none, id| match &context.operation {
                Some(operation) => Ok(none && !operation.eq_ignore_ascii_case(id)),
                None => Err(null_reference()),
            })
        },
    },
    SupportedExpression {
        source: Source::Exact(r#"@(context.Variables.ContainsKey("token"))"#),
        value: |context, _| Ok(context.variables.contains_key("token")),
    },
    SupportedExpression {
        source: Source::Exact(r#"@((string)context.Variables["hostKey"] == "")"#),
        value: |context, _| Ok(text(context, "hostKey")? == Some("")),
    },
    SupportedExpression {
        source: Source::Exact(
            r#"@(string.IsNullOrEmpty(context.Variables.GetValueOrDefault<string>("hostKey", "")))"#,
        ),
        value: |context, _| match context.variables.contains_key("hostKey") {
            true => Ok(text(context, "hostKey")?.is_none_or(str::is_empty)),
            false => Ok(true),
        },
    },
    SupportedExpression {
        source: Source::Exact(
            r#"@(((IResponse)context.Variables["vaultResponse"])?.StatusCode == 200)"#,
        ),
        value: |context, _| {
            let response = response_in(context, "vaultResponse")?;
            Ok(response.is_some_and(|response| response.status == StatusCode::OK))
        },
    },
    SupportedExpression {
        source: Source::Exact("@(context.Response.StatusCode == 401)"),
        value: |context, _| Ok(response(context)?.status == StatusCode::UNAUTHORIZED),
    },
    SupportedExpression {
        source: Source::Exact("@(context.Response?.StatusCode == 401)"),
        value: |context, _| {
            let response = context.response.as_ref();
            Ok(response.is_some_and(|response| response.status == StatusCode::UNAUTHORIZED))
        },
    },
    SupportedExpression {
        source: Source::Exact(
            r#"@(context.Response.StatusCode == 429 && !context.Response.Headers.ContainsKey("Retry-After"))"#,
        ),
        value: |context, _| is_without_retry_after(context, StatusCode::TOO_MANY_REQUESTS),
    },
    SupportedExpression {
        source: Source::Exact(
            r#"@(context.Response.StatusCode == 401 || context.Response.StatusCode == 503 && !context.Response.Headers.ContainsKey("Retry-After"))"#,
        ),
        value: |context, _| match response(context)?.status {
            StatusCode::UNAUTHORIZED => Ok(true),
            _ => is_without_retry_after(context, StatusCode::SERVICE_UNAVAILABLE),
        },
    },
    SupportedExpression {
        source: Source::Exact(r#"@(context.LastError.Source == "forward-request")"#),
        value: |context, _| match &context.last_error {
            Some(error) => Ok(error.source == "forward-request"),
            None => Err(null_reference()),
        },
    },
];

pub(super) const TEXTS: &[SupportedExpression<Option<String>>] = &[
    SupportedExpression {
        source: Source::Exact("@(string.Empty)"),
        value: |_, _| Ok(Some(String::new())),
    },
    SupportedExpression {
        source: Source::Exact("@(context.Subscription.Id)"),
        value: |context, _| match &context.subscription {
            Some(subscription) => Ok(Some(subscription.id.clone())),
            None => Err(null_reference()),
        },
    },
    SupportedExpression {
        source: Source::Exact("@(context.Subscription.Name)"),
        value: |context, _| match &context.subscription {
            Some(subscription) => Ok(Some(subscription.name.clone())),
            None => Err(null_reference()),
        },
    },
    SupportedExpression {
        source: Source::Exact("@(context.Request.IpAddress)"),
        value: |context, _| Ok(Some(context.request.address.to_string())),
    },
    SupportedExpression {
        source: Source::Exact(
            r#"@(context.Variables.GetValueOrDefault<string>("scopes", "none"))"#,
        ),
        value: |context, _| match context.variables.contains_key("scopes") {
            true => Ok(text(context, "scopes")?.map(str::to_owned)),
            false => Ok(Some("none".to_owned())),
        },
    },
    SupportedExpression {
        source: Source::Exact(r#"@(((Jwt)context.Variables["token"]).Subject)"#),
        value: |context, _| Ok(token(context, "token")?.subject.clone()),
    },
    SupportedExpression {
        source: Source::Exact(
            r#"@(((Jwt)context.Variables["token"]).Claims.GetValueOrDefault("azp", ((Jwt)context.Variables["token"]).Claims.GetValueOrDefault("appid", "")))"#,
        ),
        value: |context, _| Ok(Some(token(context, "token")?.client_application.clone())),
    },
    SupportedExpression {
        source: Source::Exact(
            r#"@(((Jwt)context.Variables["token"]).Claims.GetValueOrDefault("roles", "none"))"#,
        ),
        value: |context, _| {
            let roles = token(context, "token")?.roles.clone();
            Ok(roles.or_else(|| Some("none".to_owned())))
        },
    },
    SupportedExpression {
        source: Source::Exact(r#"@((string)context.Variables["hostKey"])"#),
        value: |context, _| Ok(text(context, "hostKey")?.map(str::to_owned)),
    },
    SupportedExpression {
        source: Source::Exact(
            r#"@((string)((IResponse)context.Variables["vaultResponse"]).Body.As<JObject>()["value"])"#,
        ),
        value: |context, _| {
            let response = response_in(context, "vaultResponse")?.ok_or_else(null_reference)?;
            string_in(response, "value")
        },
    },
    SupportedExpression {
        source: Source::Exact(
            r#"@{
    var status = context.Response.StatusCode;
    var kind = "internal";
    var title = "The request failed";
    if (status == 400) { kind = "invalid-request"; title = "The request is malformed"; }
    if (status == 401) { kind = "unauthorized"; title = "A valid subscription key or token is missing"; }
    if (status == 403) { kind = "quota-exceeded"; title = "The subscription may not call the API now"; }
    if (status == 404) { kind = "not-found"; title = "There is no such operation"; }
    if (status == 429) { kind = "throttled"; title = "Too many requests"; }
    if (status == 503) { kind = "unavailable"; title = "The API cannot be reached"; }
    return new JObject(
      new JProperty("type", "urn:problem:patient-records:" + kind),
      new JProperty("title", title),
      new JProperty("status", status),
      new JProperty("detail", title + "."),
      new JProperty("traceId", context.RequestId.ToString("N"))).ToString();
  }"#,
        ),
        value: |context, _| {
            let status = response(context)?.status.as_u16();
            let (kind, title) = match status {
                400 => ("invalid-request", "The request is malformed"),
                401 => ("unauthorized", "A valid subscription key or token is missing"),
                403 => ("quota-exceeded", "The subscription may not call the API now"),
                404 => ("not-found", "There is no such operation"),
                429 => ("throttled", "Too many requests"),
                503 => ("unavailable", "The API cannot be reached"),
                _ => ("internal", "The request failed"),
            };
            Ok(Some(problem(context, kind, title, status, &format!("{title}."))))
        },
    },
    SupportedExpression {
        source: Source::Number(
            concat!(
                problem_before_detail!("too-large", "The body is too large", 413),
                "A body has at most ",
            ),
            concat!(" bytes.", problem_after_detail!()),
        ),
        value: |context, written| {
            let detail = format!("A body has at most {} bytes.", written.number());
            Ok(Some(problem(context, "too-large", "The body is too large", 413, &detail)))
        },
    },
    problem_expression!(
        "forbidden",
        "The subscription may not do that",
        403,
        "This subscription may ask for /health and nothing else."
    ),
    problem_expression!(
        "throttled",
        "Too many requests",
        429,
        "Too many requests are under way; try again."
    ),
    problem_expression!(
        "unavailable",
        "The API cannot be reached",
        503,
        "The API cannot be reached; try again."
    ),
];

//! The C# expressions that the policies use, each with what it does here.
//!
//! They are known by their exact text and nothing is guessed: a new one, or one with a blank more,
//! is added to [`known`] first. What C# would throw is an [`Exception`], so that a policy that
//! relies on what may be missing fails here as it would there.

mod csharp;
mod known;
mod source;

use std::fmt;

use super::context::Context;
use source::{Source, Written};

/// What C# throws, with its message.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Exception(pub(super) String);

type Evaluated<T> = Result<T, Exception>;

/// An expression whose value is true or false.
pub(super) type Condition = Expression<bool>;

/// An expression whose value is a text, or null.
pub(super) type Text = Expression<Option<String>>;

/// A known expression where it is used.
#[derive(Debug)]
pub(super) struct Expression<T: 'static> {
    known: &'static Known<T>,
    written: Written,
}

/// An expression, and what it does.
struct Known<T> {
    source: Source,
    value: fn(&Context, &Written) -> Evaluated<T>,
}

impl Condition {
    /// The condition of this text, if it is known.
    pub(super) fn condition(source: &str) -> Option<Self> {
        find(known::CONDITIONS, source)
    }
}

impl Text {
    /// The expression of this text, if it is known.
    pub(super) fn text(source: &str) -> Option<Self> {
        find(known::TEXTS, source)
    }
}

impl<T> Expression<T> {
    pub(super) fn value(&self, context: &Context) -> Evaluated<T> {
        (self.known.value)(context, &self.written)
    }

    /// Whether it needs the request's body, which has to be buffered before.
    pub(super) fn reads_request_body(&self) -> bool {
        self.known.source.beginning().contains("context.Request.Body")
    }
}

fn find<T>(table: &'static [Known<T>], source: &str) -> Option<Expression<T>> {
    table.iter().find_map(|known| {
        let written = known.source.written_in(source)?;
        Some(Expression { known, written })
    })
}

impl<T> Clone for Expression<T> {
    fn clone(&self) -> Self {
        Self { known: self.known, written: self.written.clone() }
    }
}

impl<T> fmt::Debug for Known<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.source.beginning())
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::sync::Arc;

    use hyper::{HeaderMap, Method};

    use super::super::context::Variable;
    use super::super::message::{Body, Request, RequestBody, Response};
    use super::*;

    fn context() -> Context {
        let request = Request {
            method: Method::GET,
            path: "/patient".to_owned(),
            query: None,
            headers: HeaderMap::new(),
            body: RequestBody::None,
            address: Ipv4Addr::LOCALHOST.into(),
        };
        Context::new(request, String::new())
    }

    fn condition(source: &str, context: &Context) -> Result<bool, String> {
        let condition = Condition::condition(source).expect(source);
        condition.value(context).map_err(|Exception(message)| message)
    }

    fn text(source: &str, context: &Context) -> Result<Option<String>, String> {
        let text = Text::text(source).expect(source);
        text.value(context).map_err(|Exception(message)| message)
    }

    #[test]
    fn what_is_null_or_missing_throws_unless_the_expression_allows_for_it() {
        let context = context();
        for (source, thrown) in [
            ("@(context.Response.StatusCode == 401)", "Object reference"),
            (r#"@(context.LastError.Source == "forward-request")"#, "Object reference"),
            (
                r#"@(((IResponse)context.Variables["vaultResponse"])?.StatusCode == 200)"#,
                "The given key",
            ),
        ] {
            let message = condition(source, &context).expect_err(source);
            assert!(message.starts_with(thrown), "{source}: {message}");
        }
        for (source, thrown) in [
            ("@(context.Subscription.Id)", "Object reference"),
            (r#"@((string)context.Variables["hostKey"])"#, "The given key"),
            (r#"@(((Jwt)context.Variables["token"]).Subject)"#, "The given key"),
        ] {
            let message = text(source, &context).expect_err(source);
            assert!(message.starts_with(thrown), "{source}: {message}");
        }
        for (source, value) in [
            ("@(context.Response?.StatusCode == 401)", false),
            (
                r#"@(string.IsNullOrEmpty(context.Variables.GetValueOrDefault<string>("hostKey", "")))"#,
                true,
            ),
            (r#"@(context.Variables.ContainsKey("token"))"#, false),
            (
                "@(context.Request.Body != null && context.Request.Body.As<byte[]>(preserveContent: true).Length > 0)",
                false,
            ),
        ] {
            assert_eq!(condition(source, &context), Ok(value), "{source}");
        }
    }

    #[test]
    fn a_variable_of_another_type_cannot_be_cast() {
        let mut context = context();
        context.set("hostKey", Variable::Response(Arc::new(Response::new())));
        context.set("vaultResponse", Variable::Text("text".to_owned()));

        for source in [
            r#"@((string)context.Variables["hostKey"])"#,
            r#"@((string)((IResponse)context.Variables["vaultResponse"]).Body.As<JObject>()["value"])"#,
        ] {
            assert_eq!(text(source, &context), Err("Specified cast is not valid.".to_owned()));
        }
    }

    #[test]
    fn a_member_of_a_body_is_a_text_or_null_and_the_body_must_be_an_object() {
        let source = r#"@((string)((IResponse)context.Variables["vaultResponse"]).Body.As<JObject>()["value"])"#;
        for (body, value) in [
            (r#"{"value":"secret"}"#, Ok(Some("secret"))),
            (r#"{"value":null}"#, Ok(None)),
            ("{}", Ok(None)),
            (r#"{"value":[]}"#, Err("Specified cast is not valid.")),
            ("[]", Err("Error reading JObject from JsonReader.")),
            ("no JSON", Err("Error reading JObject from JsonReader.")),
        ] {
            let mut context = context();
            let response = Response { body: Body::from(body), ..Response::new() };
            context.set("vaultResponse", Variable::Response(Arc::new(response)));

            let value = value.map(|text| text.map(str::to_owned)).map_err(str::to_owned);
            assert_eq!(text(source, &context), value, "{body}");
        }
    }

    #[test]
    fn ids_are_compared_with_all_that_terraform_wrote() {
        let none_of = |ids: &[&str]| {
            let comparisons = ids.iter().map(|id| {
                format!(
                    " && !string.Equals(context.Operation.Id, \"{id}\", \
                     StringComparison.OrdinalIgnoreCase)"
                )
            });
            format!("@(true{})", comparisons.collect::<String>())
        };
        let mut context = context();
        assert_eq!(condition(&none_of(&[]), &context), Ok(true));
        assert!(condition(&none_of(&["Health"]), &context).is_err(), "there is no operation");

        context.operation = Some("healthhead".into());
        assert_eq!(condition(&none_of(&["Health"]), &context), Ok(true));
        assert_eq!(condition(&none_of(&["Health", "HealthHead"]), &context), Ok(false));
    }

    #[test]
    fn a_text_that_is_almost_known_is_not() {
        for source in [
            "@( context.Response.StatusCode == 401)",
            "@(context.Response.StatusCode == 402)",
            "context.Response.StatusCode == 401",
            "@(context.Request.Body != null && context.Request.Body.As<byte[]>(preserveContent: true).Length > many)",
            "@(true && context.Product?.Id != \"a\" || true)",
            "@(false)",
        ] {
            assert!(Condition::condition(source).is_none(), "{source}");
        }
        assert!(Text::text("@(context.Subscription.Key)").is_none());
    }
}

//! The C# expressions that the policies use, each with a Rust implementation.
//!
//! They are recognised by their exact text: a new one, or one with an extra blank, must be added to
//! [`supported`]. Exceptions of C# become an [`Exception`], so that a policy that relies on a
//! missing value fails here as in Azure.

mod csharp;
mod source;
mod supported;

use std::fmt;

use super::context::Context;
use source::{Inserted, Source};

/// A C# exception with its message.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Exception(pub(super) String);

type Evaluated<T> = Result<T, Exception>;

/// A Boolean expression.
pub(super) type Condition = Expression<bool>;

/// An expression whose value is a string or null.
pub(super) type Text = Expression<Option<String>>;

/// An expression in a policy.
#[derive(Debug)]
pub(super) struct Expression<T: 'static> {
    expression: &'static SupportedExpression<T>,
    inserted: Inserted,
}

/// A supported expression: its source and its implementation.
struct SupportedExpression<T> {
    source: Source,
    value: fn(&Context, &Inserted) -> Evaluated<T>,
}

impl Condition {
    /// Finds a Boolean expression by its text.
    pub(super) fn condition(source: &str) -> Option<Self> {
        find(supported::CONDITIONS, source)
    }
}

impl Text {
    /// Finds a string expression by its text.
    pub(super) fn text(source: &str) -> Option<Self> {
        find(supported::TEXTS, source)
    }
}

impl<T> Expression<T> {
    pub(super) fn value(&self, context: &Context) -> Evaluated<T> {
        (self.expression.value)(context, &self.inserted)
    }

    /// Whether it reads the request's body, which must be buffered first.
    pub(super) fn reads_request_body(&self) -> bool {
        self.expression.source.beginning().contains("context.Request.Body")
    }
}

fn find<T>(table: &'static [SupportedExpression<T>], source: &str) -> Option<Expression<T>> {
    table.iter().find_map(|expression| {
        let inserted = expression.source.match_text(source)?;
        Some(Expression { expression, inserted })
    })
}

impl<T> Clone for Expression<T> {
    fn clone(&self) -> Self {
        Self { expression: self.expression, inserted: self.inserted.clone() }
    }
}

impl<T> fmt::Debug for SupportedExpression<T> {
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
    fn null_and_missing_values_throw_unless_the_expression_handles_them() {
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
            ("@(context.Subscription.Name)", "Object reference"),
            (r#"@((string)context.Variables["hostKey"])"#, "The given key"),
            (r#"@(((Jwt)context.Variables["token"]).Subject)"#, "The given key"),
            (
                r#"@(((Jwt)context.Variables["token"]).Claims.GetValueOrDefault("roles", "none"))"#,
                "The given key",
            ),
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
    fn without_a_product_the_scope_is_none() {
        let source = r#"@(context.Variables.GetValueOrDefault<string>("scopes", "none"))"#;
        let mut context = context();
        assert_eq!(text(source, &context), Ok(Some("none".to_owned())));

        context.set("scopes", Variable::Text("test.read test.write".to_owned()));
        assert_eq!(text(source, &context), Ok(Some("test.read test.write".to_owned())));
    }

    #[test]
    fn a_body_must_be_an_object_and_its_member_a_string_or_null() {
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
    fn ids_are_compared_with_all_inserted_ids() {
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
    fn only_the_exact_text_of_an_expression_is_supported() {
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
        for source in [
            "@(context.Subscription.Key)",
            r#"@(context.Variables.GetValueOrDefault<string>("scopes", "patient.read"))"#,
            r#"@(((Jwt)context.Variables["token"]).Claims.GetValueOrDefault("groups", "none"))"#,
        ] {
            assert!(Text::text(source).is_none(), "{source}");
        }
    }
}

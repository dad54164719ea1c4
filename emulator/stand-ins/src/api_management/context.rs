//! The `context` of policies and expressions
//! (<https://learn.microsoft.com/azure/api-management/api-management-policy-expressions#ContextVariables>).

use std::collections::HashMap;
use std::sync::Arc;

use uuid::Uuid;

use super::error::LastError;
use super::message::{Request, Response};
use super::subscriptions::Subscription;
use super::token::Jwt;

/// The `context` of one request.
pub(super) struct Context {
    pub(super) request: Request,
    /// Null until the backend or a policy has responded.
    pub(super) response: Option<Response>,
    pub(super) variables: HashMap<String, Variable>,
    /// Null outside of `on-error`.
    pub(super) last_error: Option<Box<LastError>>,
    /// Null until the key is validated.
    pub(super) subscription: Option<Arc<Subscription>>,
    /// The id of the operation; null if none matches.
    pub(super) operation: Option<Arc<str>>,
    pub(super) request_id: Uuid,
    /// The gateway's own span, for the next service.
    pub(super) traceparent: String,
}

/// The value of a variable; no `Debug`, since some are secrets.
#[derive(Clone)]
pub(super) enum Variable {
    Null,
    Text(String),
    Response(Arc<Response>),
    Token(Arc<Jwt>),
}

impl Context {
    pub(super) fn new(request: Request, traceparent: String) -> Self {
        Self {
            request,
            response: None,
            variables: HashMap::new(),
            last_error: None,
            subscription: None,
            operation: None,
            request_id: Uuid::new_v4(),
            traceparent,
        }
    }

    pub(super) fn set(&mut self, name: &str, value: Variable) {
        self.variables.insert(name.to_owned(), value);
    }
}

impl From<Option<String>> for Variable {
    fn from(text: Option<String>) -> Self {
        text.map_or(Self::Null, Self::Text)
    }
}

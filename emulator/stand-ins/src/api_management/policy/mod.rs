//! The supported policies, parsed from XML.
//!
//! Supported are the policies and attributes that the files in `terraform/policies` use
//! (<https://learn.microsoft.com/azure/api-management/api-management-policies>).

mod element;
mod parse;
mod position;
mod read;

use std::time::Duration;

use hyper::header::{HeaderName, HeaderValue};
use hyper::{Method, StatusCode};
use reqwest::Url;

use super::expression;
use super::limits::Limit;
use super::token::TokenRules;
pub(super) use element::Source;
pub(super) use parse::{Fragments, definition};
pub(super) use position::Section;

/// The four sections of a policy definition.
#[derive(Clone, Debug, Default)]
pub(super) struct Sections {
    pub(super) inbound: Vec<Policy>,
    pub(super) backend: Vec<Policy>,
    pub(super) outbound: Vec<Policy>,
    pub(super) on_error: Vec<Policy>,
}

/// A policy, applied to a request or its response.
#[derive(Clone, Debug)]
pub(super) enum Policy {
    /// The policies of the next outer scope in this section.
    Base,
    CacheLookupValue(CacheLookupValue),
    CacheRemoveValue {
        key: String,
    },
    CacheStoreValue {
        key: String,
        value: Text,
        duration: Duration,
    },
    Choose(Choose),
    ForwardRequest(ForwardRequest),
    Quota(Limit),
    RateLimit(Limit),
    Retry(Retry),
    ReturnResponse(ReturnResponse),
    SendRequest(SendRequest),
    SetBody(Text),
    SetHeader(SetHeader),
    SetQueryParameter {
        name: String,
    },
    SetStatus(StatusCode),
    SetVariable {
        name: String,
        value: Text,
    },
    ValidateAzureAdToken(TokenRules),
}

/// A literal string, or an expression for one.
#[derive(Clone, Debug)]
pub(super) enum Text {
    Literal(String),
    Expression(expression::Text),
}

#[derive(Clone, Debug)]
pub(super) struct CacheLookupValue {
    pub(super) key: String,
    pub(super) variable: String,
    /// The variable's value if there is no cached value. Without it the variable is not set,
    /// according to the reference of `variable-name`; that of `default-value` says null.
    pub(super) default: Option<String>,
}

#[derive(Clone, Debug)]
pub(super) struct Choose {
    pub(super) whens: Vec<(expression::Condition, Vec<Policy>)>,
    pub(super) otherwise: Vec<Policy>,
}

#[derive(Clone, Debug)]
pub(super) struct ForwardRequest {
    pub(super) timeout: Duration,
    pub(super) buffer_request_body: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Retry {
    pub(super) condition: expression::Condition,
    pub(super) count: u32,
    pub(super) interval: Duration,
    pub(super) first_fast_retry: bool,
    pub(super) policies: Vec<Policy>,
}

#[derive(Clone, Debug)]
pub(super) struct ReturnResponse {
    pub(super) status: StatusCode,
    pub(super) headers: Vec<SetHeader>,
    pub(super) body: Option<Text>,
}

#[derive(Clone, Debug)]
pub(super) struct SendRequest {
    /// The variable that gets the response.
    pub(super) variable: String,
    pub(super) timeout: Duration,
    pub(super) ignore_error: bool,
    pub(super) url: Url,
    pub(super) method: Method,
    /// The resource of the gateway's token, if one is sent.
    pub(super) resource: Option<String>,
}

#[derive(Clone, Debug)]
pub(super) struct SetHeader {
    pub(super) name: HeaderName,
    /// Replaces all values of the header; `None` deletes it.
    pub(super) value: Option<HeaderText>,
}

/// The value of a header; literals are parsed in advance.
#[derive(Clone, Debug)]
pub(super) enum HeaderText {
    Literal(HeaderValue),
    Expression(expression::Text),
}

impl Sections {
    pub(super) fn section(&self, section: Section) -> &[Policy] {
        match section {
            Section::Inbound => &self.inbound,
            Section::Backend => &self.backend,
            Section::Outbound => &self.outbound,
            Section::OnError => &self.on_error,
        }
    }
}

impl Policy {
    /// Its element name, for errors.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::CacheLookupValue(_) => "cache-lookup-value",
            Self::CacheRemoveValue { .. } => "cache-remove-value",
            Self::CacheStoreValue { .. } => "cache-store-value",
            Self::Choose(_) => "choose",
            Self::ForwardRequest(_) => "forward-request",
            Self::Quota(_) => "quota",
            Self::RateLimit(_) => "rate-limit",
            Self::Retry(_) => "retry",
            Self::ReturnResponse(_) => "return-response",
            Self::SendRequest(_) => "send-request",
            Self::SetBody(_) => "set-body",
            Self::SetHeader(_) => "set-header",
            Self::SetQueryParameter { .. } => "set-query-parameter",
            Self::SetStatus(_) => "set-status",
            Self::SetVariable { .. } => "set-variable",
            Self::ValidateAzureAdToken(_) => "validate-azure-ad-token",
        }
    }

    /// The nested policies.
    pub(super) fn inner(&self) -> Vec<&[Policy]> {
        match self {
            Self::Choose(choose) => {
                let whens = choose.whens.iter().map(|(_, policies)| &**policies);
                whens.chain([&*choose.otherwise]).collect()
            }
            Self::Retry(retry) => vec![&retry.policies],
            _ => Vec::new(),
        }
    }
}

//! The sender of a request, as the gateway and the host identify it.

use crate::validation::{TEXT_CHARS_MAX, is_allowed, is_visible};

/// The sender of a request.
///
/// API Management replaces the `X-Caller-*` headers of its callers, and only API Management can
/// reach the host, so they can be trusted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caller {
    /// Name of the function key that the host accepted.
    pub key_name: Option<String>,
    /// The API Management subscription, from `X-Caller-Subscription`.
    pub subscription_id: Option<String>,
    /// The name of that subscription, from `X-Caller-Organisation`.
    pub organisation: Option<String>,
    /// The signed-in user, from `X-Caller-User`.
    pub user_id: Option<String>,
    /// The client application that the user is signed in to, from `X-Caller-Client`.
    pub client_id: Option<String>,
    /// The network address that called the gateway, from `X-Caller-Address`.
    pub client_address: Option<String>,
}

impl Caller {
    /// The owner of the idempotency keys: the subscription, else the function key.
    pub fn idempotency_scope(&self) -> &str {
        self.subscription_id.as_deref().or(self.key_name.as_deref()).unwrap_or_default()
    }

    /// Makes a value a valid text for the audit register: removes other characters and truncates it.
    pub(super) fn valid_text(value: Option<&str>) -> Option<String> {
        value
            .map(|text| text.chars().filter(|it| is_allowed(*it)).take(TEXT_CHARS_MAX).collect())
            .filter(|text: &String| text.chars().any(is_visible))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callers_value_is_reduced_to_a_valid_text() {
        assert_eq!(Caller::valid_text(Some("a\u{202e}b\u{7f}")).as_deref(), Some("ab"));
        assert_eq!(Caller::valid_text(Some(&"é".repeat(300))), Some("é".repeat(256)));
        for nothing in ["", "  ", "\u{200b}"] {
            assert_eq!(Caller::valid_text(Some(nothing)), None);
        }
    }
}

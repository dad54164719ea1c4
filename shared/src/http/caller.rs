//! Who sent a request, as far as the gateway and the host can tell.

use crate::validation::{TEXT_CHARS_MAX, is_allowed, is_visible};

/// Who sent a request.
///
/// API Management removes the `X-Caller-*` headers of its callers and sets its own; only it can
/// reach the host, so they can be trusted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caller {
    /// Name of the function key that the host accepted.
    pub key_name: Option<String>,
    /// The API Management subscription, from `X-Caller-Subscription`.
    pub subscription_id: Option<String>,
    /// The signed-in user, from `X-Caller-User`.
    pub user_id: Option<String>,
    /// The network address that called the gateway, from `X-Caller-Address`.
    pub client_address: Option<String>,
}

impl Caller {
    /// Whose idempotency keys these are: the subscription's, else the function key's.
    pub fn idempotency_scope(&self) -> &str {
        self.subscription_id.as_deref().or(self.key_name.as_deref()).unwrap_or_default()
    }

    /// What can be kept of a value: as much as any text may have, since the caller is noted
    /// elsewhere.
    pub(super) fn kept(value: Option<&str>) -> Option<String> {
        value
            .map(|text| text.chars().filter(|it| is_allowed(*it)).take(TEXT_CHARS_MAX).collect())
            .filter(|text: &String| text.chars().any(is_visible))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_callers_value_is_kept_what_a_text_may_have() {
        assert_eq!(Caller::kept(Some("a\u{202e}b\u{7f}")).as_deref(), Some("ab"));
        assert_eq!(Caller::kept(Some(&"é".repeat(300))), Some("é".repeat(256)));
        for nothing in ["", "  ", "\u{200b}"] {
            assert_eq!(Caller::kept(Some(nothing)), None);
        }
    }
}

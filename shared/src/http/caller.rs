//! Who sent a request, as far as the gateway and the host can tell.

/// The longest text about a caller that is kept; the gateway's own values are far shorter.
const TEXT_CHARS_MAX: usize = 256;

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

    pub(super) fn text(value: Option<&str>) -> Option<String> {
        value
            .filter(|text| !text.is_empty())
            .map(|text| text.chars().take(TEXT_CHARS_MAX).collect())
    }
}

//! Where policies are allowed.

/// A section of a policy definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Section {
    Inbound,
    Backend,
    Outbound,
    OnError,
}

/// The position of an element.
#[derive(Clone, Copy, Debug)]
pub(super) struct Position {
    pub(super) section: Section,
    /// Whether it is in a fragment, which may contain neither `base` nor another fragment
    /// (<https://learn.microsoft.com/azure/api-management/policy-fragments>).
    pub(super) is_in_fragment: bool,
    /// Whether it is nested in another policy.
    pub(super) is_nested: bool,
}

impl Section {
    pub(in super::super) const ALL: [Self; 4] =
        [Self::Inbound, Self::Backend, Self::Outbound, Self::OnError];

    /// Its element name.
    pub(in super::super) fn name(self) -> &'static str {
        match self {
            Self::Inbound => "inbound",
            Self::Backend => "backend",
            Self::Outbound => "outbound",
            Self::OnError => "on-error",
        }
    }
}

impl Position {
    pub(super) fn nested(self) -> Self {
        Self { is_nested: true, ..self }
    }

    /// Whether a policy is allowed here; `None` if it is not supported.
    ///
    /// The sections are those in the reference of each policy, with two exceptions. `set-body`
    /// works in `on-error` too (<https://azure.microsoft.com/blog/deep-dive-on-set-body-policy/>),
    /// though its reference omits that. `set-status` and `set-body` in `inbound` or `backend`,
    /// outside of `return-response`, are not allowed: no file uses them, and their effect is not
    /// documented.
    pub(super) fn allows(self, policy: &str) -> Option<bool> {
        let Self { section, is_in_fragment, is_nested } = self;
        Some(match policy {
            "base" => !is_in_fragment && !is_nested,
            "include-fragment" => !is_in_fragment,
            "cache-lookup-value" | "cache-remove-value" | "cache-store-value" | "choose"
            | "retry" | "return-response" | "send-request" | "set-header" | "set-variable" => true,
            "set-query-parameter" => matches!(section, Section::Inbound | Section::Backend),
            "set-body" | "set-status" => matches!(section, Section::Outbound | Section::OnError),
            "quota" | "rate-limit" | "validate-azure-ad-token" => section == Section::Inbound,
            "forward-request" => section == Section::Backend,
            _ => return None,
        })
    }
}

//! Header fields of a request.

macro_rules! headers {
    ($($header:ident = $name:literal,)+) => {
        /// A header that this code reads. Others are dropped, since proxies add many.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Header {
            $(#[doc = concat!("`", $name, "`")] $header,)+
        }

        impl Header {
            /// The header of this name, in any letter case, if this code reads it.
            pub(crate) fn named(name: &str) -> Option<Self> {
                $(if name.eq_ignore_ascii_case($name) {
                    return Some(Self::$header);
                })+
                None
            }
        }
    };
}

headers! {
    Accept = "Accept",
    ContentEncoding = "Content-Encoding",
    ContentLength = "Content-Length",
    ContentType = "Content-Type",
    IdempotencyKey = "Idempotency-Key",
    IfMatch = "If-Match",
    IfNoneMatch = "If-None-Match",
    RequestId = "Request-Id",
    Traceparent = "traceparent",
    Tracestate = "tracestate",
    TransferEncoding = "Transfer-Encoding",
    CallerAddress = "X-Caller-Address",
    CallerClient = "X-Caller-Client",
    CallerOrganisation = "X-Caller-Organisation",
    CallerRoles = "X-Caller-Roles",
    CallerScopes = "X-Caller-Scopes",
    CallerSubscription = "X-Caller-Subscription",
    CallerUser = "X-Caller-User",
    PurposeOfUse = "X-Purpose-Of-Use",
}

/// The headers that this code reads, with one joined value each.
#[derive(Clone, Debug, Default)]
pub struct Headers(Vec<(Header, String)>);

impl Headers {
    /// Adds the lines of one header, joined with commas (RFC 9110, section 5.3).
    pub(crate) fn insert(&mut self, header: Header, lines: Vec<String>) {
        let value = if lines.len() == 1 {
            lines.into_iter().next().unwrap_or_default()
        } else {
            lines.join(", ")
        };
        self.0.push((header, value));
    }

    /// The value of a header, if it was sent.
    pub fn get(&self, header: Header) -> Option<&str> {
        let field = self.0.iter().find(|(candidate, _)| *candidate == header);
        field.map(|(_, value)| value.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_ignore_letter_case_and_lines_are_joined() {
        let mut headers = Headers::default();
        let header = Header::named("IF-Match").expect("it is looked at");
        headers.insert(header, vec!["\"1\"".to_owned(), "\"2\"".to_owned()]);

        assert_eq!(headers.get(Header::IfMatch), Some("\"1\", \"2\""));
        assert_eq!(headers.get(Header::IfNoneMatch), None);
        assert_eq!(Header::named("X-ARR-LOG-ID"), None);
    }
}

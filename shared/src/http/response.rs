//! The response of a function.

use std::borrow::Cow;

use serde::Serialize;

use crate::Version;

/// A response; its body is sent as text that the host does not rewrite.
///
/// Every response forbids caching (RFC 9111, section 5.2.2.5): a cached copy would be served
/// without a key and without an audit record.
#[derive(Debug, PartialEq, Eq)]
pub struct Response {
    status: u16,
    headers: Vec<(&'static str, Cow<'static, str>)>,
    body: Option<String>,
}

impl Response {
    /// 200 with a JSON body.
    pub fn ok(body: &impl Serialize) -> Self {
        Self::ok_of_type("application/json", body)
    }

    /// 200 with a JSON body of this media type.
    pub fn ok_of_type(media_type: &'static str, body: &impl Serialize) -> Self {
        Self::json(200, media_type, body)
    }

    /// 200 with a body that is already JSON.
    pub(crate) fn ok_json(body: String) -> Self {
        Self::with_body(200, "application/json", body)
    }

    /// 201 with a JSON body and its `Location`.
    pub fn created(location: String, body: &impl Serialize) -> Self {
        Self::json(201, "application/json", body).with_header("Location", location)
    }

    /// 204.
    pub fn no_content() -> Self {
        Self::empty(204)
    }

    /// 304: the client has the current version.
    pub fn not_modified(version: Version) -> Self {
        Self::empty(304).with_version(version)
    }

    /// A problem (RFC 9457); only `Error` makes one.
    pub(crate) fn problem(status: u16, body: &impl Serialize) -> Self {
        Self::json(status, "application/problem+json", body)
    }

    /// Adds the `ETag` of a version.
    #[must_use]
    pub fn with_version(self, version: Version) -> Self {
        self.with_header("ETag", version.entity_tag())
    }

    /// Marks the response to a request that was carried out before.
    #[must_use]
    pub fn replayed(self) -> Self {
        self.with_header("Idempotency-Replayed", "true")
    }

    /// Adds a header. The value must be ASCII and not look like a date, which the host would
    /// rewrite.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: impl Into<Cow<'static, str>>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Adds `Link` (RFC 8288) to the next page, if there is one; `query` asks for it.
    #[must_use]
    pub fn with_next_page(self, query: Option<String>) -> Self {
        match query {
            Some(query) => self.with_header("Link", format!("<?{query}>; rel=\"next\"")),
            None => self,
        }
    }

    /// The status code.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The headers, one value per name.
    pub fn headers(&self) -> &[(&'static str, Cow<'static, str>)] {
        &self.headers
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(candidate, _)| candidate.eq_ignore_ascii_case(name))
            .map(|(_, value)| &**value)
    }

    /// The body, if any.
    pub fn body(&self) -> Option<&str> {
        self.body.as_deref()
    }

    /// Takes the body, if any.
    pub(crate) fn into_body(self) -> Option<String> {
        self.body
    }

    fn json(status: u16, media_type: &'static str, body: &impl Serialize) -> Self {
        let body = serde_json::to_string(body).expect("serialising our own types cannot fail");
        Self::with_body(status, media_type, body)
    }

    fn with_body(status: u16, media_type: &'static str, body: String) -> Self {
        let response = Self { body: Some(body), ..Self::empty(status) };
        response.with_header("Content-Type", media_type)
    }

    fn empty(status: u16) -> Self {
        let headers = vec![("Cache-Control", Cow::Borrowed("no-store"))];
        Self { status, headers, body: None }
    }
}

//! A response of one function.

use std::borrow::Cow;

use serde::Serialize;

use crate::Version;

/// A response; its body travels as text that nobody on the way re-writes.
///
/// Every one forbids caches to keep it (RFC 9111, section 5.2.2.5): what a cache hands out again
/// has neither been asked for with a key nor been noted.
#[derive(Debug, PartialEq, Eq)]
pub struct Response {
    status: u16,
    headers: Vec<(&'static str, Cow<'static, str>)>,
    body: Option<String>,
}

impl Response {
    /// 200 with a JSON body.
    pub fn ok(body: &impl Serialize) -> Self {
        Self::json(200, "application/json", body)
    }

    /// 200 with a body that is JSON already.
    pub(crate) fn ok_json(body: String) -> Self {
        Self::with_body(200, "application/json", body)
    }

    /// 201 with a JSON body and where it can be found from now on.
    pub fn created(location: String, body: &impl Serialize) -> Self {
        Self::json(201, "application/json", body).with_header("Location", location)
    }

    /// 204.
    pub fn no_content() -> Self {
        Self::empty(204)
    }

    /// 304: the client holds this version already.
    pub fn not_modified(version: Version) -> Self {
        Self::empty(304).with_version(version)
    }

    /// A problem (RFC 9457); made by `Error` alone.
    pub(crate) fn problem(status: u16, body: &impl Serialize) -> Self {
        Self::json(status, "application/problem+json", body)
    }

    /// Adds the `ETag` of a version.
    #[must_use]
    pub fn with_version(self, version: Version) -> Self {
        self.with_header("ETag", version.entity_tag())
    }

    /// Says that this answers a request that was carried out before.
    #[must_use]
    pub fn replayed(self) -> Self {
        self.with_header("Idempotency-Replayed", "true")
    }

    /// Adds a header; the value must be ASCII and not look like a date (the host would re-write it).
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: impl Into<Cow<'static, str>>) -> Self {
        self.headers.push((name, value.into()));
        self
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

    /// The body, if there is one.
    pub fn body(&self) -> Option<&str> {
        self.body.as_deref()
    }

    fn json(status: u16, media_type: &'static str, body: &impl Serialize) -> Self {
        let body =
            serde_json::to_string(body).expect("our own types have text keys and no failing parts");
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

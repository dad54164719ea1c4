//! A request for one function.

use super::{Caller, Header, Headers};
use crate::telemetry::TraceContext;
use crate::{Body, Deadline, Error, Id, Preconditions, Result};

/// The largest body that is read, in bytes: 1 MiB.
const BODY_BYTES_MAX: usize = 1 << 20;

/// The longest `Idempotency-Key`, in characters.
const IDEMPOTENCY_KEY_CHARS_MAX: usize = 255;

/// The query parameter that can carry the host's key. The host does not remove it.
const HOST_KEY_PARAMETER: &str = "code";

/// The longest parameter name that a problem repeats, in characters.
const PARAMETER_CHARS_MAX: usize = 128;

/// The most parameters that a problem names.
const PARAMETERS_NAMED_MAX: usize = 10;

/// A request for one function, parsed from the host's invocation.
pub struct Request {
    /// The deadline of the work. The time from then to [`Request::reporting_deadline`] is for
    /// recording a timeout.
    pub deadline: Deadline,
    /// The trace that this request belongs to.
    pub trace: TraceContext,
    /// The URL's path as sent.
    pub(crate) path: String,
    pub(crate) params: Vec<(String, Option<String>)>,
    /// The URL's query parameters, decoded, in order.
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: Headers,
    pub(crate) key_name: Option<String>,
    pub(crate) body: Option<String>,
}

/// The value of an `Idempotency-Key` header (IETF draft-ietf-httpapi-idempotency-key-header).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// Parses a key: 1 to 255 visible ASCII characters.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (1..=IDEMPOTENCY_KEY_CHARS_MAX).contains(&text.len());
        (fits && text.bytes().all(|byte| byte.is_ascii_graphic())).then(|| Self(text.to_owned()))
    }

    /// A regular expression for a key.
    pub const PATTERN: &str = "^[!-~]{1,255}$";
}

impl Request {
    /// When the response is due.
    pub fn reporting_deadline(&self) -> Deadline {
        self.deadline.for_reporting()
    }

    /// The route parameter `name`; `None` for an optional one that is absent.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params
            .iter()
            .find(|(candidate, _)| candidate.eq_ignore_ascii_case(name))
            .and_then(|(_, value)| value.as_deref())
    }

    /// The query parameter `name`.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(candidate, _)| candidate.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Refuses unknown, repeated and empty query parameters: with a misspelt filter ignored, the
    /// response would have more records than the caller asked for. The host's key is exempt.
    ///
    /// # Errors
    /// [`Error::InvalidQuery`], which has the names of the parameters but no values.
    pub fn check_query(&self, known: &[&str]) -> Result<()> {
        let mut wrong: Vec<String> = Vec::new();
        for (index, (name, value)) in self.query.iter().enumerate() {
            let is_this = |other: &str| other.eq_ignore_ascii_case(name);
            let fault = if is_this(HOST_KEY_PARAMETER) {
                continue;
            } else if !known.iter().any(|known| is_this(known)) {
                "is unknown"
            } else if value.is_empty() {
                "is empty"
            } else if self.query[..index].iter().any(|(earlier, _)| is_this(earlier)) {
                "is repeated"
            } else {
                continue;
            };
            let name: String = name.chars().take(PARAMETER_CHARS_MAX).collect();
            let fault = format!("The query parameter \"{name}\" {fault}.");
            if wrong.len() == PARAMETERS_NAMED_MAX {
                wrong.push("More parameters are invalid.".to_owned());
                break;
            }
            if !wrong.contains(&fault) {
                wrong.push(fault);
            }
        }
        if wrong.is_empty() { Ok(()) } else { Err(Error::InvalidQuery(wrong.join(" "))) }
    }

    /// The identifier in the route parameter `name`.
    ///
    /// # Errors
    /// [`Error::NotFound`] if it is not a GUID: no record can have such an identifier.
    pub fn id_param<T>(&self, name: &str) -> Result<Id<T>> {
        self.param(name).and_then(Id::parse).ok_or(Error::NotFound)
    }

    /// The purpose for which the client asks, from its own header `X-Purpose-Of-Use`: a code such as
    /// `TREAT` or `ETREAT` (HL7 v3 value set `PurposeOfUse`).
    pub fn purpose(&self) -> Option<&str> {
        self.headers.get(Header::PurposeOfUse)
    }

    /// Checks that the purpose, if there is one, is a code.
    ///
    /// # Errors
    /// [`Error::InvalidRequest`].
    pub(crate) fn check_purpose(&self) -> Result<()> {
        match self.purpose() {
            Some(code) if !is_purpose(code) => Err(Error::InvalidRequest(
                "The header X-Purpose-Of-Use must be a code of up to 32 capital letters.",
            )),
            Some(_) | None => Ok(()),
        }
    }

    /// The sender of the request.
    pub fn caller(&self) -> Caller {
        Caller {
            key_name: Caller::valid_text(self.key_name.as_deref()),
            subscription_id: Caller::valid_text(self.headers.get(Header::CallerSubscription)),
            organisation: Caller::valid_text(self.headers.get(Header::CallerOrganisation)),
            user_id: Caller::valid_text(self.headers.get(Header::CallerUser)),
            client_id: Caller::valid_text(self.headers.get(Header::CallerClient)),
            client_address: Caller::valid_text(self.headers.get(Header::CallerAddress)),
        }
    }

    /// The ids of the caller's subscription and of the signed-in user, for telemetry.
    pub(crate) fn caller_ids(&self) -> (Option<&str>, Option<&str>) {
        (self.headers.get(Header::CallerSubscription), self.headers.get(Header::CallerUser))
    }

    /// Whether the caller has this scope: the product of the gateway has to grant it and, if callers
    /// have tokens, a role in the token too.
    ///
    /// A request without `X-Caller-Scopes` has not come through the gateway, which always sets it: its
    /// function key alone counts. `X-Caller-Roles` is there if the gateway requires tokens.
    pub fn has_scope(&self, scope: &str) -> bool {
        [Header::CallerScopes, Header::CallerRoles].into_iter().all(|header| {
            let granted = self.headers.get(header);
            granted.is_none_or(|granted| granted.split([' ', ',']).any(|word| word == scope))
        })
    }

    /// Whether the client names this media type in `Accept` and does not prefer `application/json`
    /// (RFC 9110, section 12.5.1). A range such as `*/*` names none.
    pub fn prefers(&self, media_type: &str) -> bool {
        let accept = self.headers.get(Header::Accept).unwrap_or_default();
        let [wanted, json] = [media_type, "application/json"].map(|name| quality(accept, name));
        wanted > 0.0 && wanted >= json
    }

    /// `If-Match` and `If-None-Match`.
    ///
    /// # Errors
    /// [`Error::InvalidRequest`] for a header that is not a list of entity tags.
    pub fn preconditions(&self) -> Result<Preconditions> {
        let [if_match, if_none_match] =
            [Header::IfMatch, Header::IfNoneMatch].map(|header| self.headers.get(header));
        Preconditions::parse(if_match, if_none_match)
    }

    /// `Idempotency-Key`, if it was sent.
    ///
    /// # Errors
    /// [`Error::InvalidRequest`] unless it is 1 to 255 visible ASCII characters.
    pub fn idempotency_key(&self) -> Result<Option<IdempotencyKey>> {
        let Some(key) = self.headers.get(Header::IdempotencyKey) else {
            return Ok(None);
        };
        let key = IdempotencyKey::parse(key).ok_or(Error::InvalidRequest(
            "The header Idempotency-Key must be 1 to 255 visible ASCII characters.",
        ))?;
        Ok(Some(key))
    }

    /// The identifier of the record to create. It is derived from the idempotency key, the caller
    /// and the path, or new if there is no key.
    ///
    /// The path is part of it because Cosmos DB keeps `_id` unique per shard key only: a repeated
    /// key under another parent would not collide.
    ///
    /// # Errors
    /// [`Error::InvalidRequest`] for a malformed `Idempotency-Key`.
    pub fn id_to_create<T>(&self, function: &str) -> Result<Id<T>> {
        Ok(match self.idempotency_key()? {
            Some(key) => self.id_for_key(&key, function, &self.plain_path()),
            None => Id::generate(),
        })
    }

    /// The path in lower case and without a trailing slash, both of which the host ignores.
    pub fn plain_path(&self) -> String {
        self.path.trim_end_matches('/').to_ascii_lowercase()
    }

    /// The identifier of the record that this caller creates with `function` at `path` and a key.
    pub fn id_for_key<T>(&self, key: &IdempotencyKey, function: &str, path: &str) -> Id<T> {
        Id::from_idempotency_key(self.caller().idempotency_scope(), function, path, &key.0)
    }

    /// The value of `Location` for `collection/id`, relative to the request URL.
    ///
    /// It is relative (RFC 3986, section 4.2) because the host does not see the caller's URL, which
    /// is the gateway's.
    pub fn location_of<T>(&self, collection: &str, id: Id<T>) -> String {
        if self.path.ends_with('/') { id.to_string() } else { format!("{collection}/{id}") }
    }

    /// The body as JSON. `Content-Type` is ignored unless it is a binary type.
    ///
    /// # Errors
    /// [`Error::UnsupportedMediaType`], [`Error::TooLarge`], [`Error::InvalidRequest`] if there is
    /// no body, and those of [`Body::read`].
    pub fn json(&self) -> Result<Body<'_>> {
        self.check_media_type()?;
        let announced =
            self.headers.get(Header::ContentLength).and_then(|text| text.parse::<u64>().ok());
        if announced.is_some_and(|bytes| bytes > BODY_BYTES_MAX as u64) {
            return Err(Error::TooLarge);
        }
        let body = self.body.as_deref().ok_or_else(|| self.missing_body())?;
        if body.len() > BODY_BYTES_MAX {
            return Err(Error::TooLarge);
        }
        Body::read(body)
    }

    /// The length of the body, in bytes.
    pub(crate) fn body_bytes(&self) -> usize {
        self.body.as_deref().map_or(0, str::len)
    }

    fn missing_body(&self) -> Error {
        // The host drops chunked bodies (azure-functions-host#4926).
        let chunked = self.headers.get(Header::TransferEncoding).is_some();
        Error::InvalidRequest(if chunked {
            "The body is missing: it was sent in chunks, without a Content-Length, and was dropped."
        } else {
            "The body is missing."
        })
    }

    fn check_media_type(&self) -> Result<()> {
        let coding = self.headers.get(Header::ContentEncoding).unwrap_or("identity");
        if !coding.trim().eq_ignore_ascii_case("identity") {
            return Err(Error::UnsupportedMediaType("Send the body without a Content-Encoding."));
        }
        match self.headers.get(Header::ContentType) {
            Some(media_type) if is_binary(media_type) => {
                Err(Error::UnsupportedMediaType("Send JSON: application/json."))
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// The weight that an `Accept` header gives to a media type by name; 0 if it does not name it.
fn quality(accept: &str, media_type: &str) -> f32 {
    let weight = |range: &str| {
        let mut parts = range.split(';').map(str::trim);
        parts.next().filter(|name| name.eq_ignore_ascii_case(media_type))?;
        let weight = parts.find_map(|part| part.strip_prefix("q=").or(part.strip_prefix("Q=")));
        Some(weight.map_or(1.0, |weight| weight.parse().unwrap_or(0.0)))
    };
    accept.split(',').find_map(weight).unwrap_or(0.0)
}

/// Whether the host damages or encodes bodies of this type. It decodes every body as UTF-8 except
/// octet streams and multipart.
fn is_binary(media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match essence.split_once('/') {
        Some(("image" | "audio" | "video" | "font" | "multipart", _)) => true,
        Some(("application", subtype)) => matches!(
            subtype,
            "octet-stream"
                | "zip"
                | "gzip"
                | "x-gzip"
                | "x-tar"
                | "x-bzip2"
                | "x-7z-compressed"
                | "pdf"
                | "cbor"
                | "bson"
                | "msgpack"
                | "x-msgpack"
                | "vnd.msgpack"
                | "protobuf"
                | "x-protobuf"
                | "wasm"
        ),
        // The host searches the whole header for "multipart/" (Utility.cs).
        Some(_) | None => essence.contains("multipart/"),
    }
}

/// A regular expression for the header that [`Request::check_purpose`] accepts.
pub(crate) const PURPOSE_PATTERN: &str = "^[A-Z]{1,32}$";

/// Whether it has the form of a code of HL7's `PurposeOfUse`.
fn is_purpose(code: &str) -> bool {
    (1..=32).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_uppercase())
}

#[cfg(test)]
pub(crate) mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    /// A request with these headers and this body.
    pub(crate) fn request(headers: &[(&str, &str)], body: Option<&str>) -> Request {
        let mut fields = Headers::default();
        for (name, value) in headers {
            let header = Header::named(name).expect("a field that is looked at");
            fields.insert(header, vec![(*value).to_owned()]);
        }
        Request {
            deadline: Deadline::after(Duration::from_secs(20)),
            trace: TraceContext::generate(),
            path: "/api/thing".to_owned(),
            params: Vec::new(),
            query: Vec::new(),
            headers: fields,
            key_name: None,
            body: body.map(str::to_owned),
        }
    }

    #[test]
    fn a_media_type_is_preferred_only_by_its_name_and_its_weight() {
        let prefers = |accept| request(&[("Accept", accept)], None).prefers("application/x+json");
        for accept in [
            "application/x+json",
            "Application/X+JSON; version=4.0",
            "text/html, application/x+json;q=0.9, */*;q=0.1",
            "application/json;q=0.5,application/x+json; version=4.0; q=0.5",
        ] {
            assert!(prefers(accept), "{accept}");
        }
        for accept in [
            "",
            "*/*",
            "application/*",
            "application/json",
            "application/x+jsonp",
            "application/x+json;q=0",
            "application/x+json;q=many",
            "application/x+json;q=0.9, application/json",
        ] {
            assert!(!prefers(accept), "{accept}");
        }
        assert!(!request(&[], None).prefers("application/x+json"));
    }

    #[tokio::test]
    async fn a_body_is_json_whatever_its_text_type() {
        for media_type in
            ["application/json", "text/plain", "application/x-www-form-urlencoded", "nonsense"]
        {
            let request = request(&[("Content-Type", media_type)], Some("{}"));

            assert!(request.json().is_ok(), "{media_type}");
        }
        assert!(request(&[], Some("{}")).json().is_ok());
    }

    #[tokio::test]
    async fn binary_bodies_are_of_an_unsupported_type() {
        for media_type in [
            "application/octet-stream",
            "Multipart/Form-Data; boundary=x",
            "image/png",
            "application/pdf",
        ] {
            let request = request(&[("Content-Type", media_type)], Some("{}"));

            assert!(matches!(request.json(), Err(Error::UnsupportedMediaType(_))), "{media_type}");
        }
        let compressed = request(&[("Content-Encoding", "gzip")], Some("{}"));
        assert!(matches!(compressed.json(), Err(Error::UnsupportedMediaType(_))));
    }

    #[tokio::test]
    async fn a_body_over_one_mebibyte_is_too_large() {
        let largest = format!("\"{}\"", "x".repeat(BODY_BYTES_MAX - 2));
        assert!(request(&[], Some(&largest)).json().is_ok());

        let larger = format!("{largest} ");
        assert!(matches!(request(&[], Some(&larger)).json(), Err(Error::TooLarge)));
        assert!(matches!(
            request(&[("Content-Length", "1048577")], None).json(),
            Err(Error::TooLarge)
        ));
    }

    #[tokio::test]
    async fn a_scope_needs_the_product_and_the_role_if_there_are_roles() {
        let scopes = "X-Caller-Scopes";
        let roles = "X-Caller-Roles";
        for (headers, expected) in [
            (&[][..], true),
            (&[(scopes, "patient.read patient.write")], true),
            (&[(scopes, "patient.write")], false),
            (&[(scopes, "patient.read.all")], false),
            (&[(scopes, "PATIENT.READ")], false),
            (&[(scopes, "")], false),
            (&[(scopes, "patient.read"), (roles, "patient.read,audit.read")], true),
            (&[(scopes, "patient.read"), (roles, "audit.read")], false),
            (&[(scopes, "audit.read"), (roles, "patient.read")], false),
            (&[(scopes, "patient.read"), (roles, "")], false),
        ] {
            assert_eq!(request(headers, None).has_scope("patient.read"), expected, "{headers:?}");
        }
    }

    #[tokio::test]
    async fn a_missing_body_is_said_to_be_missing_and_why() {
        let plain = request(&[], None);
        let Err(Error::InvalidRequest(plain)) = plain.json() else { panic!() };
        assert_eq!(plain, "The body is missing.");

        let chunked = request(&[("Transfer-Encoding", "chunked")], None);
        let Err(Error::InvalidRequest(dropped)) = chunked.json() else { panic!() };
        assert!(dropped.contains("Content-Length"));
    }

    #[tokio::test]
    async fn idempotency_keys_are_1_to_255_visible_characters() {
        let longest = "k".repeat(255);
        for key in ["1", "\"8e03978e\"", longest.as_str()] {
            assert!(
                request(&[("Idempotency-Key", key)], None).idempotency_key().unwrap().is_some()
            );
        }
        let longer = "k".repeat(256);
        for key in ["", "a b", "ключ", "a\u{7f}", longer.as_str()] {
            let refused = request(&[("Idempotency-Key", key)], None).idempotency_key();
            assert!(matches!(refused, Err(Error::InvalidRequest(_))), "{key}");
        }
        assert_eq!(request(&[], None).idempotency_key().unwrap(), None);
    }

    #[tokio::test]
    async fn unknown_repeated_and_empty_query_parameters_are_named_without_their_values() {
        let with_query = |query: &[(&str, &str)]| {
            let mut request = request(&[], None);
            request.query = query
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect();
            request
        };
        for query in [&[][..], &[("limit", "5")], &[("LIMIT", "5"), ("Code", "")]] {
            assert!(with_query(query).check_query(&["limit"]).is_ok(), "{query:?}");
        }
        for (query, expected) in [
            (&[("page", "17")][..], "The query parameter \"page\" is unknown."),
            (&[("limit", "")], "The query parameter \"limit\" is empty."),
            (&[("limit", "17"), ("Limit", "18")], "The query parameter \"Limit\" is repeated."),
            (
                &[("a", "17"), ("a", "17"), ("", "17")],
                "The query parameter \"a\" is unknown. The query parameter \"\" is unknown.",
            ),
        ] {
            let Err(Error::InvalidQuery(detail)) = with_query(query).check_query(&["limit"]) else {
                panic!("{query:?}");
            };
            assert_eq!(detail, expected);
        }
        let long = "x".repeat(5000);
        let many: Vec<_> = (0..100).map(|number| (format!("{long}{number}"), "1")).collect();
        let many: Vec<_> = many.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        let Err(Error::InvalidQuery(detail)) = with_query(&many).check_query(&[]) else { panic!() };
        assert!(detail.len() < 2000, "{}", detail.len());
    }

    #[tokio::test]
    async fn the_same_key_for_another_path_is_another_request() {
        let id = |path: &str| {
            let mut request = request(&[("Idempotency-Key", "k")], None);
            request.path = path.to_owned();
            request.id_to_create::<()>("Create").unwrap()
        };

        assert_eq!(id("/api/thing/1"), id("/API/Thing/1/"));
        assert_ne!(id("/api/thing/1"), id("/api/thing/2"));
    }

    #[tokio::test]
    async fn a_location_is_relative_to_the_requests_own_url() {
        let id = Id::<()>::parse("0190a6b2-1111-7abc-8def-0123456789ab").unwrap();
        let mut request = request(&[], None);
        assert_eq!(
            request.location_of("parcel", id),
            "parcel/0190a6b2-1111-7abc-8def-0123456789ab"
        );

        request.path.push('/');
        assert_eq!(request.location_of("parcel", id), "0190a6b2-1111-7abc-8def-0123456789ab");
    }

    proptest! {
        #[test]
        fn any_body_is_read_or_refused_as_the_callers_mistake(body in ".*", media_type in ".*") {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
            let _guard = runtime.enter();
            if let Err(error) = request(&[("Content-Type", &media_type)], Some(&body)).json() {
                prop_assert!(!error.is_ours());
            }
        }
    }
}

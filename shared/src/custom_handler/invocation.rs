//! The envelope: parses the host's invocation payload and writes our response.

use std::borrow::Cow;
use std::fmt;

use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use warp::http::HeaderMap;

use super::TimerRun;
use crate::Deadline;
use crate::http::{Header, Headers, Request, Response};
use crate::telemetry::TraceContext;

/// Claim type for the name of the accepted key (`SecurityConstants.cs`).
const KEY_NAME_CLAIM: &str = "http://schemas.microsoft.com/2017/07/functions/claims/keyid";

/// `AuthenticationType` of the identity of a function key (`AuthenticationLevelHandler.cs`).
const KEY_AUTHENTICATION: &str = "WebJobsAuthLevel";

/// What the host calls a function for.
pub(super) enum Invocation {
    /// A request.
    Http(Request),
    /// A time on the function's schedule.
    Timer(TimerRun),
}

impl Invocation {
    /// Parses an invocation payload; `None` if it is malformed, which the real host never sends.
    pub(super) fn unpack(payload: &[u8], headers: &HeaderMap, deadline: Deadline) -> Option<Self> {
        Some(match data(payload)? {
            Data { req: Some(req), .. } => Self::Http(request(req, headers, deadline)),
            Data { timer: Some(_), .. } => {
                let trace = TraceContext::from_first([host_trace(headers)]);
                Self::Timer(TimerRun {
                    deadline: Deadline::of_timer(),
                    trace: trace.unwrap_or_else(TraceContext::generate),
                })
            }
            Data { .. } => return None,
        })
    }

    /// The trace that it belongs to.
    pub(super) fn trace(&self) -> &TraceContext {
        match self {
            Self::Http(request) => &request.trace,
            Self::Timer(run) => &run.trace,
        }
    }

    /// The length of the request's body, in bytes.
    pub(super) fn body_bytes(&self) -> usize {
        match self {
            Self::Http(request) => request.body_bytes(),
            Self::Timer(_) => 0,
        }
    }
}

fn request(req: HttpTrigger<'_>, invocation: &HeaderMap, deadline: Deadline) -> Request {
    let headers = req.headers.0;
    let trace = TraceContext::from_first([
        // With telemetry on, the host's own span comes first; otherwise only the caller's is there.
        host_trace(invocation),
        (headers.get(Header::Traceparent), headers.get(Header::Tracestate)),
    ])
    .or_else(|| headers.get(Header::RequestId).and_then(TraceContext::from_request_id))
    .unwrap_or_else(TraceContext::generate);
    Request {
        deadline,
        trace,
        path: path(&req.url).to_owned(),
        params: req.params.0,
        query: query(&req.url),
        key_name: req.identities.and_then(key_name),
        headers,
        body: req.body,
    }
}

/// The host's own span.
fn host_trace(invocation: &HeaderMap) -> (Option<&str>, Option<&str>) {
    (header_value(invocation, "traceparent"), header_value(invocation, "tracestate"))
}

/// Writes a response and the invocation's log lines as an envelope.
///
/// `statusCode`, because the host ignores a named output's `status`; the body as a string, because
/// the host rewrites dates and numbers in objects; `ReturnValue` null, because an object there
/// would overwrite `Outputs` (`docs/functions-host.md`).
pub(super) fn pack(response: &Response, logs: &[String]) -> Vec<u8> {
    let contents = Envelope {
        outputs: Outputs {
            res: Some(HttpOutput {
                status_code: response.status(),
                headers: HeaderFields(response.headers()),
                body: response.body(),
            }),
        },
        logs,
        return_value: None,
    };
    // Reserves room for a page of several megabytes and its escapes.
    let body_bytes = response.body().map_or(0, str::len);
    let mut envelope = Vec::with_capacity(body_bytes + body_bytes / 4 + 512);
    serde_json::to_writer(&mut envelope, &contents).expect("serialising an envelope cannot fail");
    envelope
}

/// Writes the log lines of a timer's run as an envelope.
pub(super) fn pack_logs(logs: &[String]) -> Vec<u8> {
    let contents = Envelope { outputs: Outputs { res: None }, logs, return_value: None };
    serde_json::to_vec(&contents).expect("serialising an envelope cannot fail")
}

/// The triggers' data in the payload. `Metadata`, which follows and repeats most of it, is not
/// read.
///
/// Written by hand: `derive(Deserialize)` with maps for headers and parameters takes 32 µs for a
/// payload of 3 KB with 25 headers, this 12 µs (release build, 2026-11; a whole request of this app
/// takes some 160 µs of CPU).
fn data(payload: &[u8]) -> Option<Data<'_>> {
    let mut data = None;
    // Stopping early makes serde report trailing data, which is intended.
    let _ = serde_json::Deserializer::from_slice(payload).deserialize_map(UpToData(&mut data));
    data
}

/// Reads the payload's members up to `Data`.
struct UpToData<'m, 'a>(&'m mut Option<Data<'a>>);

impl<'de> Visitor<'de> for UpToData<'_, 'de> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an invocation payload")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            if name == "Data" {
                *self.0 = Some(map.next_value()?);
                break;
            }
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}

/// HTTP triggers are called `req` and timers `timer` in every `function.json`.
#[derive(Deserialize)]
struct Data<'a> {
    #[serde(default, borrow)]
    req: Option<HttpTrigger<'a>>,
    /// Its schedule and status do not matter here.
    #[serde(default)]
    timer: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct HttpTrigger<'a> {
    #[serde(default, borrow)]
    url: Cow<'a, str>,
    #[serde(default)]
    headers: HeaderLines,
    #[serde(default)]
    params: Members<Option<String>>,
    #[serde(default, borrow)]
    identities: Option<Vec<Identity<'a>>>,
    #[serde(default)]
    body: Option<String>,
}

/// The members of a JSON object, in order.
struct Members<V>(Vec<(String, V)>);

/// Headers: an array of lines per name.
#[derive(Default)]
struct HeaderLines(Headers);

/// A member's name; copied only if it contains escapes.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Identity<'a> {
    #[serde(borrow)]
    authentication_type: Option<Cow<'a, str>>,
    #[serde(default, borrow)]
    claims: Vec<Claim<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Claim<'a> {
    #[serde(borrow)]
    r#type: Cow<'a, str>,
    #[serde(borrow)]
    value: Cow<'a, str>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Envelope<'a> {
    outputs: Outputs<'a>,
    logs: &'a [String],
    return_value: Option<()>,
}

#[derive(Serialize)]
struct Outputs<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    res: Option<HttpOutput<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HttpOutput<'a> {
    status_code: u16,
    headers: HeaderFields<'a>,
    body: Option<&'a str>,
}

struct HeaderFields<'a>(&'a [(&'static str, Cow<'static, str>)]);

impl<V> Default for Members<V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Members<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor<V>(Vec<(String, V)>);

        impl<'de, V: Deserialize<'de>> Visitor<'de> for MembersVisitor<V> {
            type Value = Members<V>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object or null")
            }

            fn visit_unit<E>(self) -> Result<Members<V>, E> {
                Ok(Members(self.0))
            }

            fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Members<V>, A::Error> {
                while let Some(member) = map.next_entry()? {
                    self.0.push(member);
                }
                Ok(Members(self.0))
            }
        }

        deserializer.deserialize_any(MembersVisitor(Vec::new()))
    }
}

impl<'de> Deserialize<'de> for HeaderLines {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct LinesVisitor;

        impl<'de> Visitor<'de> for LinesVisitor {
            type Value = Headers;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object or null")
            }

            fn visit_unit<E>(self) -> Result<Headers, E> {
                Ok(Headers::default())
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Headers, A::Error> {
                let mut headers = Headers::default();
                while let Some(Name(name)) = map.next_key()? {
                    match Header::named(&name) {
                        Some(header) => headers.insert(header, map.next_value()?),
                        None => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                Ok(headers)
            }
        }

        deserializer.deserialize_any(LinesVisitor).map(Self)
    }
}

impl Serialize for HeaderFields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// The name of the accepted key.
fn key_name(identities: Vec<Identity<'_>>) -> Option<String> {
    identities
        .into_iter()
        .filter(|identity| identity.authentication_type.as_deref() == Some(KEY_AUTHENTICATION))
        .flat_map(|identity| identity.claims)
        .find(|claim| claim.r#type == KEY_NAME_CLAIM)
        .map(|claim| claim.value.into_owned())
}

fn path(url: &str) -> &str {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    let (_, below_scheme) = url.split_once("://").unwrap_or(("", url));
    below_scheme.find('/').map_or("", |start| &below_scheme[start..])
}

/// The query as sent; in `Query`, the host has joined repeated parameters into one.
fn query(url: &str) -> Vec<(String, String)> {
    let Some((_, query)) = url.split_once('?') else {
        return Vec::new();
    };
    form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

fn header_value<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trigger_is_found_whatever_surrounds_it() {
        let member = r#""Data":{"other":1,"req":{"Body":"text","Unknown":[{}]}}"#;
        for payload in [
            format!(r#"{{{member},"Metadata":{{"sys":{{"MethodName":"DoIt"}}}}}}"#),
            format!(r#"{{"Metadata":{{"Data":{{"req":{{"Body":"no"}}}}}},{member}}}"#),
        ] {
            let req = data(payload.as_bytes()).and_then(|data| data.req).expect("it is there");
            assert_eq!(req.body.as_deref(), Some("text"), "{payload}");
        }
    }

    #[test]
    fn header_fields_that_nobody_looks_at_are_passed_over() {
        let headers = r#"{"X-ARR-SSL":["2048|256"],"X-Odd":17,"IF-MATCH":["\"1\"","\"2\""]}"#;
        let payload = format!(r#"{{"Data":{{"req":{{"Headers":{headers}}}}}}}"#);

        let req = data(payload.as_bytes()).and_then(|data| data.req).expect("it is there");
        let HeaderLines(headers) = req.headers;

        assert_eq!(headers.get(Header::IfMatch), Some("\"1\", \"2\""));
        assert_eq!(headers.get(Header::IfNoneMatch), None);
    }

    #[test]
    fn the_url_yields_path_and_query() {
        let url = "https://app.example/api/Thing/1/?limit=5&limit=6&b=%20&c#d?e";

        assert_eq!(path(url), "/api/Thing/1/");
        let pairs = [("limit", "5"), ("limit", "6"), ("b", " "), ("c#d?e", "")];
        assert_eq!(
            query(url),
            pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
        );
        for url in ["", "https://app.example", "https://app.example?", "/"] {
            assert_eq!(path(url).trim_end_matches('/'), "", "{url}");
            assert!(query(url).is_empty(), "{url}");
        }
    }

    #[tokio::test]
    async fn a_timer_runs_in_the_hosts_trace_and_has_more_time_than_a_request() {
        let payload = br#"{"Data":{"timer":{"Schedule":{"AdjustForDST":true},"ScheduleStatus":null,"IsPastDue":false}},"Metadata":{}}"#;
        let deadline = Deadline::after(std::time::Duration::from_secs(20));
        let mut headers = HeaderMap::new();
        let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        headers.insert("traceparent", parent.parse().unwrap());

        let Some(Invocation::Timer(run)) = Invocation::unpack(payload, &headers, deadline) else {
            panic!("it is a timer");
        };
        assert_eq!(run.trace.trace_id().to_string(), parent[3..35]);
        assert!(run.deadline > deadline);
    }

    #[tokio::test]
    async fn a_payload_without_a_complete_trigger_is_malformed() {
        let deadline = Deadline::after(std::time::Duration::from_secs(20));
        for payload in [
            "",
            "[]",
            "{}",
            r#"{"Data":null}"#,
            r#"{"Data":{}}"#,
            r#"{"Data":{"other":{}}}"#,
            r#"{"Data":{"timer":null}}"#,
            r#"{"Data":{"req":{"Body":"text"}"#,
            r#"{"Metadata":{"broken"},"Data":{"req":{}}}"#,
        ] {
            let invocation = Invocation::unpack(payload.as_bytes(), &HeaderMap::new(), deadline);
            assert!(invocation.is_none(), "{payload}");
        }
    }
}

//! Compares the stand-in with recordings of the real host (`tests/recordings`).

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::app::{App, Plan};

#[derive(Deserialize)]
struct Recordings<R> {
    recordings: Vec<R>,
}

/// A recorded request and its payload or refusal.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    name: String,
    request_base64: String,
    payload: Option<Value>,
    /// The host's refusal.
    response: Option<String>,
}

/// A recorded response of the handler and the response to the caller.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Response {
    name: String,
    method: String,
    handler_body: String,
    handler_or_request_headers: Vec<(String, String)>,
    response: String,
}

/// The accepted differences.
#[derive(Deserialize)]
struct KnownDifferences {
    payloads: Vec<KnownDifference>,
    responses: Vec<KnownDifference>,
}

#[derive(Deserialize)]
struct KnownDifference {
    name: String,
    /// A pointer to the difference; empty for the whole.
    #[serde(default)]
    at: String,
    reason: String,
}

/// Differences by name and pointer: the recorded value and ours.
type Differences = BTreeMap<(String, String), (Value, Value)>;

#[tokio::test]
async fn every_recorded_request_leads_to_the_recorded_payload() {
    let app = app(|plan| {
        plan.function("Echo", "echo/{id}/{x?}")
            .binding("Route1", json!({ "route": "keyed/{n:int?}", "authLevel": "function" }))
    })
    .await;
    let mut found = Differences::new();
    let Recordings::<Request> { recordings } = read("payloads.json");
    for recording in &recordings {
        let request = BASE64_STANDARD.decode(&recording.request_base64).unwrap();

        let response = RawResponse::read(&app.raw(&request).await);

        let recorded = recording.payload.clone().or(recording.response.clone().map(Value::from));
        let ours = if response.status_line.starts_with("200 ") {
            posted(&response.unchunked())
        } else {
            json!(response.status_line)
        };
        compare(&recording.name, "", &recorded.unwrap(), &ours, &mut found);
    }
    let KnownDifferences { payloads: known, .. } = read("known_differences.json");
    assert_are_known(&found, &known);
    assert_eq!(recordings.len(), 45);
}

#[tokio::test]
async fn every_recorded_response_reaches_the_caller_unchanged() {
    let app = app(|plan| plan.function("Echo", "echo")).await;
    let mut found = Differences::new();
    let Recordings::<Response> { recordings } = read("responses.json");
    for recording in &recordings {
        let mut script = json!({ "body": recording.handler_body });
        let mut request =
            format!("{} /api/echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\n", recording.method);
        for (name, value) in &recording.handler_or_request_headers {
            match (name.as_str(), value.as_str()) {
                ("X-Status", status) => {
                    script["status"] = status[..3].parse::<u16>().unwrap().into()
                }
                ("X-Type", "none") => script["content_type"] = "".into(),
                ("X-Type", media_type) => script["content_type"] = media_type.into(),
                ("X-Location", target) => script["location"] = target.into(),
                (name, value) => request.push_str(&format!("{name}: {value}\r\n")),
            }
        }
        request.push_str(&format!("x-script: {}\r\n\r\n", json!({ "response": script })));

        let response = RawResponse::read(&app.raw(request.as_bytes()).await);

        let recorded = json!(sorted(&recording.response));
        compare(&recording.name, "", &recorded, &json!(sorted(&response.written())), &mut found);
    }
    let KnownDifferences { responses: known, .. } = read("known_differences.json");
    assert_are_known(&found, &known);
    assert_eq!(recordings.len(), 62);
}

#[test]
fn new_and_vanished_differences_are_both_found() {
    let (mut found, mut same) = (Differences::new(), Differences::new());
    let (recorded, ours) =
        (json!({"a": [1], "b": 2, "c": 3}), json!({"a": [1, 2], "b": 2, "d": 3}));
    compare("r", "", &recorded, &ours, &mut found);
    compare("r", "", &recorded, &recorded, &mut same);
    let known = |at: &str| KnownDifference {
        name: "r".to_owned(),
        at: at.to_owned(),
        reason: "why".to_owned(),
    };

    assert!(same.is_empty());
    let at: Vec<_> = found.keys().map(|(_, at)| at.as_str()).collect();
    assert_eq!(at, ["/a", "/c", "/d"]);
    assert_are_known(&found, &[known("/a"), known("/c"), known("/d")]);
    let is_refused = |known: &[KnownDifference]| !unexpected(&found, known).is_empty();
    assert!(is_refused(&[known("/a"), known("/c")]), "a new one");
    assert!(is_refused(&[known("/a"), known("/b"), known("/c"), known("/d")]), "one that is gone");
}

async fn app(functions: impl FnOnce(Plan) -> Plan) -> App {
    let mut plan = functions(Plan::new());
    plan.options.keys.host = vec![("default".to_owned(), "HOSTKEY".to_owned())];
    plan.start().await
}

fn read<T: DeserializeOwned>(file: &str) -> T {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings");
    serde_json::from_str(&fs::read_to_string(folder.join(file)).unwrap()).unwrap()
}

/// The payload that the handler echoes, with keys, GUIDs and times replaced by the placeholders of
/// the recordings.
fn posted(echo: &[u8]) -> Value {
    let echo: Value = serde_json::from_slice(echo).unwrap();
    let payload = echo["payload"].as_str().unwrap().replace("HOSTKEY", "KEY");
    let mut payload: Value = serde_json::from_str(&payload).unwrap();
    let metadata = payload["Metadata"].as_object_mut().unwrap();
    let name = if metadata.contains_key("$sys") { "$sys" } else { "sys" };
    let system = &mut metadata[name];
    let guid = system["RandGuid"].as_str().and_then(|guid| uuid::Uuid::parse_str(guid).ok());
    assert!(guid.is_some(), "{system}");
    assert!(system["UtcNow"].as_str().is_some_and(|now| now.ends_with('Z')), "{system}");
    system["RandGuid"] = "UUID".into();
    system["UtcNow"] = "T".into();
    payload
}

/// A raw response.
struct RawResponse {
    status_line: String,
    headers: Vec<String>,
    body: Vec<u8>,
}

impl RawResponse {
    fn read(response: &[u8]) -> Self {
        let end = response.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
        let head = std::str::from_utf8(&response[..end]).unwrap();
        let mut lines = head.split("\r\n");
        let status_line = lines.next().unwrap().strip_prefix("HTTP/1.1 ").unwrap().to_owned();
        let headers = lines.map(str::to_owned).collect();
        Self { status_line, headers, body: response[end + 4..].to_owned() }
    }

    /// The body without its chunk framing.
    fn unchunked(&self) -> Vec<u8> {
        let start = self.body.windows(2).position(|two| two == b"\r\n").unwrap() + 2;
        self.body[start..].strip_suffix(b"\r\n0\r\n\r\n").expect("one chunk").to_owned()
    }

    /// In the format of the recordings: without the headers of every response.
    fn written(&self) -> String {
        let always = ["Date: ", "Server: ", "Connection: "];
        let headers =
            self.headers.iter().filter(|it| !always.iter().any(|name| it.starts_with(name)));
        let headers: Vec<_> = headers.map(String::as_str).collect();
        format!("{} | {} | {}", self.status_line, headers.join("; "), python(&self.body))
    }
}

/// A response with its header lines in alphabetical order.
fn sorted(response: &str) -> String {
    let parts: Vec<_> = response.splitn(3, " | ").collect();
    let [status, headers, body] = parts[..] else {
        panic!("a recorded response has three parts: {response}")
    };
    let headers: BTreeSet<_> = headers.split("; ").collect();
    // A parameter of a media type looks like a header.
    format!("{status} | {headers:?} | {body}")
}

/// Bytes in Python's format.
fn python(bytes: &[u8]) -> String {
    let text: String = bytes
        .iter()
        .map(|byte| match byte {
            b'\\' => "\\\\".to_owned(),
            b'\n' => "\\n".to_owned(),
            b'\r' => "\\r".to_owned(),
            b'\t' => "\\t".to_owned(),
            0x20..0x7f => char::from(*byte).to_string(),
            _ => format!("\\x{byte:02x}"),
        })
        .collect();
    format!("b'{text}'")
}

/// Records differences: by member for objects, otherwise as a whole.
fn compare(name: &str, at: &str, recorded: &Value, ours: &Value, found: &mut Differences) {
    if let (Value::Object(recorded), Value::Object(ours)) = (recorded, ours) {
        let names: BTreeSet<_> = recorded.keys().chain(ours.keys()).collect();
        for member in names {
            let at = format!("{at}/{}", member.replace('~', "~0").replace('/', "~1"));
            let of = |members: &serde_json::Map<String, Value>| {
                members.get(member).cloned().unwrap_or_else(|| "(absent)".into())
            };
            compare(name, &at, &of(recorded), &of(ours), found);
        }
    } else if recorded != ours {
        found.insert((name.to_owned(), at.to_owned()), (recorded.clone(), ours.clone()));
    }
}

fn assert_are_known(found: &Differences, known: &[KnownDifference]) {
    let unexpected = unexpected(found, known);
    assert!(unexpected.is_empty(), "{}", unexpected.join("\n"));
}

/// Unlisted differences, and listed ones that no longer occur.
fn unexpected(found: &Differences, known: &[KnownDifference]) -> Vec<String> {
    let key = |known: &KnownDifference| (known.name.clone(), known.at.clone());
    let listed: BTreeSet<_> = known.iter().map(key).collect();
    let new = found.iter().filter(|(key, _)| !listed.contains(key));
    let new = new.map(|((name, at), (recorded, ours))| {
        format!("{name:?} differs {at}\n  recorded {recorded}\n  ours     {ours}")
    });
    let gone = known.iter().filter(|it| !found.contains_key(&key(it)));
    let gone = gone.map(|it| {
        format!(
            "{:?} does not differ {} any longer; it was known because {}",
            it.name, it.at, it.reason
        )
    });
    new.chain(gone).collect()
}

//! API Management, as far as callers and the host behind it can tell.
//!
//! It is the one public door: it demands a subscription key, takes away whatever a caller must
//! not say to the host, and says itself who calls.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use hyper::http::request::Parts;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};

use crate::trace;

/// The largest body that is forwarded; the apps themselves draw the line at half of it.
const BODY_BYTES_MAX: usize = 2 << 20;

const SUBSCRIPTION_KEY: &str = "ocp-apim-subscription-key";
const SUBSCRIPTION_KEY_PARAMETER: &str = "subscription-key";

/// What a gateway is started with.
#[derive(Clone, Debug)]
pub struct GatewayOptions {
    /// The port on `127.0.0.1`; none for a free one.
    pub port: Option<u16>,
    /// The Patient API's host, `http://127.0.0.1:7071`.
    pub patient_host_url: String,
    /// The function key that it gets.
    pub host_key: String,
    /// Who may call.
    pub subscriptions: Vec<Subscription>,
}

/// A subscription to the API.
#[derive(Clone, Debug)]
pub struct Subscription {
    /// Its identifier, which the apps get to see.
    pub id: String,
    /// Its key.
    pub key: String,
}

/// A running gateway; dropping it closes it.
#[derive(Debug)]
pub struct Gateway {
    url: String,
    serving: AbortHandle,
}

/// Why a gateway does not start.
#[derive(Debug, thiserror::Error)]
#[error("port {port} of 127.0.0.1 cannot be opened")]
pub struct GatewayError {
    /// The port; 0 stands for a free one.
    pub port: u16,
    #[source]
    source: std::io::Error,
}

struct Front {
    options: GatewayOptions,
    client: reqwest::Client,
}

type Answer = Response<Full<Bytes>>;

impl Gateway {
    /// Starts a gateway.
    ///
    /// # Errors
    /// If the port is taken.
    pub async fn start(options: GatewayOptions) -> Result<Self, GatewayError> {
        let port = options.port.unwrap_or(0);
        let unavailable = |source| GatewayError { port, source };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(unavailable)?;
        let url = format!("http://{}", listener.local_addr().map_err(unavailable)?);
        let front = Arc::new(Front { options, client: crate::http_client() });
        let serving = tokio::spawn(serve(listener, front)).abort_handle();
        Ok(Self { url, serving })
    }

    /// Where it listens: `http://127.0.0.1:8080`, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Closes it.
    pub async fn stop(self) {
        drop(self);
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(listener: TcpListener, front: Arc<Front>) {
    let mut connections = JoinSet::new();
    while let Ok((connection, peer)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        connections.spawn(talk(connection, peer, Arc::clone(&front)));
    }
}

async fn talk(connection: TcpStream, peer: SocketAddr, front: Arc<Front>) {
    let _ = connection.set_nodelay(true);
    let service = service_fn(|request| {
        let front = Arc::clone(&front);
        async move { Ok::<_, std::convert::Infallible>(front.handle(request, peer.ip()).await) }
    });
    let _ = http1::Builder::new().serve_connection(TokioIo::new(connection), service).await;
}

impl Front {
    async fn handle(&self, request: Request<Incoming>, peer: IpAddr) -> Answer {
        let (parts, body) = request.into_parts();
        if !is_patient_path(parts.uri.path()) {
            return refuse(StatusCode::NOT_FOUND, "Resource not found");
        }
        let subscription = match self.subscription(&parts) {
            Ok(subscription) => subscription,
            Err(refusal) => return refusal,
        };
        let body = match Limited::new(body, BODY_BYTES_MAX).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => {
                return problem(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    "too-large",
                    "The body is too large",
                );
            }
            Err(_) => {
                return problem(StatusCode::BAD_REQUEST, "invalid-request", "The body broke off");
            }
        };
        self.forward(&parts, body, subscription, peer).await
    }

    fn subscription(&self, parts: &Parts) -> Result<&Subscription, Answer> {
        let in_query = || {
            let pairs = query_pairs(parts.uri.query().unwrap_or_default());
            pairs
                .into_iter()
                .find(|(name, _)| name == SUBSCRIPTION_KEY_PARAMETER)
                .map(|(_, key)| key)
        };
        let presented = parts
            .headers
            .get(SUBSCRIPTION_KEY)
            .map(|key| String::from_utf8_lossy(key.as_bytes()).into_owned())
            .or_else(in_query);
        let Some(presented) = presented.filter(|key| !key.is_empty()) else {
            return Err(refuse(
                StatusCode::UNAUTHORIZED,
                "Access denied due to missing subscription key. Make sure to include subscription \
                 key when making requests to an API.",
            ));
        };
        self.options.subscriptions.iter().find(|subscription| subscription.key == presented).ok_or_else(|| {
            refuse(
                StatusCode::UNAUTHORIZED,
                "Access denied due to invalid subscription key. Make sure to provide a valid key \
                 for an active subscription.",
            )
        })
    }

    async fn forward(
        &self,
        parts: &Parts,
        body: Bytes,
        subscription: &Subscription,
        peer: IpAddr,
    ) -> Answer {
        let url = format!("{}/api{}", self.options.patient_host_url, target(parts));
        let mut call = self.client.request(parts.method.clone(), url).headers(self.headers(
            parts,
            subscription,
            peer,
        ));
        // The host drops a body without a length, so a body always has one here.
        if !body.is_empty() || parts.method == Method::POST || parts.method == Method::PUT {
            call = call.body(body);
        }
        let answered = async {
            let answer = call.send().await?;
            let (status, headers) = (answer.status(), answer.headers().clone());
            Ok::<_, reqwest::Error>((status, headers, answer.bytes().await?))
        };
        match answered.await {
            Ok((status, headers, body)) => {
                let mut response = Response::new(Full::new(body));
                *response.status_mut() = status;
                *response.headers_mut() = end_to_end(&headers);
                response
            }
            Err(_) => {
                let mut response = problem(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "unavailable",
                    "The API cannot be reached",
                );
                response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("5"));
                response
            }
        }
    }

    /// The caller's headers without what only the gateway may say, and what it says.
    fn headers(&self, parts: &Parts, subscription: &Subscription, peer: IpAddr) -> HeaderMap {
        let mut headers = end_to_end(&parts.headers);
        let own = |name: &HeaderName| {
            matches!(
                name.as_str(),
                "host" | "content-length" | "x-functions-key" | SUBSCRIPTION_KEY
            ) || name.as_str().starts_with("x-caller-")
        };
        for name in headers.keys().filter(|name| own(name)).cloned().collect::<Vec<_>>() {
            headers.remove(name);
        }
        let parent = parts.headers.get("traceparent").and_then(|value| value.to_str().ok());
        for (name, value) in [
            ("x-functions-key", self.options.host_key.clone()),
            ("x-caller-subscription", subscription.id.clone()),
            ("x-caller-address", peer.to_string()),
            ("traceparent", trace::child_of(parent)),
        ] {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        }
        headers
    }
}

/// `/patient` and what lies below it; API Management compares without letter case.
fn is_patient_path(path: &str) -> bool {
    let first = path.strip_prefix('/').and_then(|rest| rest.split('/').next());
    first.is_some_and(|segment| segment.eq_ignore_ascii_case("patient"))
}

/// Path and query as they were sent, less the keys in the query.
fn target(parts: &Parts) -> String {
    let path = parts.uri.path();
    let kept: Vec<_> = parts
        .uri
        .query()
        .unwrap_or_default()
        .split('&')
        .filter(|pair| {
            let name = pair.split('=').next().unwrap_or_default();
            !pair.is_empty()
                && !name.eq_ignore_ascii_case("code")
                && name != SUBSCRIPTION_KEY_PARAMETER
        })
        .collect();
    if kept.is_empty() { path.to_owned() } else { format!("{path}?{}", kept.join("&")) }
}

fn query_pairs(query: &str) -> Vec<(String, String)> {
    reqwest::Url::parse(&format!("http://gateway/?{query}"))
        .map(|url| {
            url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
        })
        .unwrap_or_default()
}

/// Headers without those that concern one connection only (RFC 9110, section 7.6.1).
fn end_to_end(headers: &HeaderMap) -> HeaderMap {
    let named = headers
        .get(hyper::header::CONNECTION)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let named: Vec<_> = named.split(',').map(|name| name.trim().to_ascii_lowercase()).collect();
    headers
        .iter()
        .filter(|(name, _)| {
            let name = name.as_str();
            !matches!(
                name,
                "connection"
                    | "keep-alive"
                    | "proxy-connection"
                    | "te"
                    | "trailer"
                    | "transfer-encoding"
                    | "upgrade"
            ) && !named.iter().any(|candidate| candidate == name)
        })
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// A refusal in API Management's own words.
fn refuse(status: StatusCode, message: &str) -> Answer {
    let mut answer = json_answer(
        status,
        "application/json",
        &json!({ "statusCode": status.as_u16(), "message": message }),
    );
    if status == StatusCode::UNAUTHORIZED {
        answer.headers_mut().insert(
            WWW_AUTHENTICATE,
            HeaderValue::from_static(
                "AzureApiManagementKey realm=\"patient-records\",name=\"Ocp-Apim-Subscription-Key\",type=\"header\"",
            ),
        );
    }
    answer
}

/// A problem, as a policy of ours would word it.
fn problem(status: StatusCode, kind: &str, title: &str) -> Answer {
    let body = json!({
        "type": format!("urn:problem:patient-records:{kind}"),
        "title": title,
        "status": status.as_u16(),
        "detail": format!("{title}."),
    });
    json_answer(status, "application/problem+json", &body)
}

fn json_answer(status: StatusCode, media_type: &'static str, body: &serde_json::Value) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(body.to_string())));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(uri: &str) -> Parts {
        Request::builder().uri(uri).body(()).unwrap().into_parts().0
    }

    #[test]
    fn only_patients_are_behind_the_gateway() {
        for (path, is_patient) in [
            ("/patient", true),
            ("/Patient/1/tests", true),
            ("/patients", false),
            ("/", false),
            ("/admin/host/keys", false),
            ("//patient", false),
        ] {
            assert_eq!(is_patient_path(path), is_patient, "{path}");
        }
    }

    #[test]
    fn keys_in_the_query_go_no_further() {
        assert_eq!(
            target(&parts("/patient/?limit=5&code=k&subscription-key=s&x=%2F")),
            "/patient/?limit=5&x=%2F"
        );
        assert_eq!(target(&parts("/patient?code=k")), "/patient");
    }
}

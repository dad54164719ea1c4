//! The HTTP/1.1 connections of all servers here, with Kestrel's limits for slow clients.

use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::header::{CACHE_CONTROL, CONNECTION, HOST, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, Version};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, Sleep};

/// How long the head of a request may take; an idle connection is closed after that time too
/// (Kestrel's `RequestHeadersTimeout`).
pub(crate) const HEAD_LIMIT: Duration = Duration::from_secs(30);

/// The minimum rate of a request body, and the time before it applies (Kestrel's
/// `MinRequestBodyDataRate`).
pub(crate) const BODY_GRACE: Duration = Duration::from_secs(5);
pub(crate) const BODY_BYTES_PER_SECOND: u64 = 240;

/// Serves the requests of one connection until either side closes it.
pub(crate) async fn serve_connection<F, E>(
    connection: impl AsyncRead + AsyncWrite + Unpin,
    handler: impl Fn(Request<MinRateBody>) -> F,
) where
    F: Future<Output = Result<Response<Full<Bytes>>, E>>,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    let service = service_fn(|request| checked(request, &handler));
    // An error means that either side has closed the connection.
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_LIMIT)
        .serve_connection(TokioIo::new(connection), service)
        .await;
}

/// Rejects requests without exactly one `Host` (RFC 9112, section 3.2) and bodies below the minimum
/// rate.
async fn checked<F, E>(
    request: Request<Incoming>,
    handler: impl Fn(Request<MinRateBody>) -> F,
) -> Result<Response<Full<Bytes>>, E>
where
    F: Future<Output = Result<Response<Full<Bytes>>, E>>,
{
    let hosts = request.headers().get_all(HOST).iter().count();
    if hosts > 1 || hosts == 0 && request.version() != Version::HTTP_10 {
        return Ok(refusal(StatusCode::BAD_REQUEST));
    }
    let is_too_slow = Arc::new(AtomicBool::new(false));
    let request = request.map(|body| MinRateBody::new(body, Arc::clone(&is_too_slow)));
    let response = handler(request).await;
    if is_too_slow.load(Ordering::Relaxed) {
        return Ok(refusal(StatusCode::REQUEST_TIMEOUT));
    }
    response
}

/// A response without a body that closes the connection.
fn refusal(status: StatusCode) -> Response<Full<Bytes>> {
    let mut refusal = Response::new(Full::default());
    *refusal.status_mut() = status;
    refusal.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    refusal.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    refusal
}

/// A request body that fails below the minimum rate.
pub(crate) struct MinRateBody {
    body: Incoming,
    received: u64,
    /// When waiting began, and the timer for its end.
    waiting: Option<(Instant, Pin<Box<Sleep>>)>,
    is_too_slow: Arc<AtomicBool>,
}

/// Why a body is incomplete.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyError {
    #[error("the body is incomplete")]
    Incomplete(#[source] hyper::Error),
    #[error("the body is too slow")]
    TooSlow,
}

impl MinRateBody {
    fn new(body: Incoming, is_too_slow: Arc<AtomicBool>) -> Self {
        Self { body, received: 0, waiting: None, is_too_slow }
    }

    /// Completes when the rate has been too low for too long.
    fn poll_limit(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let at_the_rate = Duration::from_millis(self.received * 1000 / BODY_BYTES_PER_SECOND);
        let limit = BODY_GRACE.max(at_the_rate);
        let (since, until) = self.waiting.get_or_insert_with(|| {
            let now = Instant::now();
            (now, Box::pin(tokio::time::sleep_until(now + limit)))
        });
        until.as_mut().reset(*since + limit);
        until.as_mut().poll(context)
    }
}

impl Body for MinRateBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) else {
            ready!(self.poll_limit(context));
            self.is_too_slow.store(true, Ordering::Relaxed);
            return Poll::Ready(Some(Err(BodyError::TooSlow)));
        };
        if let Some(Ok(frame)) = &frame {
            self.received += frame.data_ref().map_or(0, |data| data.len() as u64);
        }
        Poll::Ready(frame.map(|frame| frame.map_err(BodyError::Incomplete)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use http_body_util::BodyExt;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    use super::*;

    /// The client's end of a connection to a server that responds with the length of each body.
    fn connected() -> DuplexStream {
        let (ours, theirs) = duplex(1 << 16);
        let response = async |request: Request<MinRateBody>| {
            let length = request.into_body().collect().await.map(|body| body.to_bytes().len());
            let text = length.map_or_else(|error| error.to_string(), |length| length.to_string());
            Ok::<_, Infallible>(Response::new(Full::from(text)))
        };
        tokio::spawn(async move { serve_connection(theirs, response).await });
        ours
    }

    /// The response up to the end of the connection, and the seconds that took.
    async fn rest(mut connection: DuplexStream) -> (String, u64) {
        let start = Instant::now();
        let mut text = String::new();
        connection.read_to_string(&mut text).await.expect("the response is text");
        (text, start.elapsed().as_secs())
    }

    async fn response_to(request: &str) -> (String, u64) {
        let mut connection = connected();
        connection.write_all(request.as_bytes()).await.expect("it is open");
        rest(connection).await
    }

    #[tokio::test(start_paused = true)]
    async fn an_unfinished_head_closes_the_connection() {
        for head in ["", "GET / HT", "GET / HTTP/1.1\r\nHost: a\r\n"] {
            assert_eq!(response_to(head).await, (String::new(), 30), "{head}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_stops_gets_408_and_closes_the_connection() {
        for (head, seconds) in [
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf".to_owned(), 5),
            ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned(), 5),
            (format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999\r\n\r\n{:2400}", ""), 10),
        ] {
            let (response, after) = response_to(&head).await;

            assert!(response.starts_with("HTTP/1.1 408 Request Timeout\r\n"), "{response}");
            assert!(response.contains("connection: close\r\n"), "{response}");
            assert!(response.contains("cache-control: no-store\r\n"), "{response}");
            assert_eq!(after, seconds);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_at_the_minimum_rate_is_read() {
        let mut connection = connected();
        let head =
            "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 15000\r\n\r\n";
        connection.write_all(head.as_bytes()).await.expect("it is open");

        for _ in 0..600 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            connection.write_all(&[b'x'; 25]).await.expect("it is open");
        }

        let (response, _) = rest(connection).await;
        assert!(response.starts_with("HTTP/1.1 200") && response.ends_with("15000"), "{response}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_has_exactly_one_host() {
        for (lines, status) in [
            ("HTTP/1.1\r\nConnection: close", 400),
            ("HTTP/1.1\r\nHost: a\r\nHost: a\r\nConnection: close", 400),
            ("HTTP/1.0\r\nHost: a\r\nHost: b", 400),
            ("HTTP/1.0", 200),
            ("HTTP/1.1\r\nHost: a\r\nConnection: close", 200),
        ] {
            let (response, _) = response_to(&format!("GET / {lines}\r\n\r\n")).await;

            assert_eq!(
                response.get(9..12),
                Some(status.to_string().as_str()),
                "{lines}: {response}"
            );
        }
    }
}

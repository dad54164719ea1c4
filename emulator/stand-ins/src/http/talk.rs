//! How every server here talks HTTP with whoever has connected, and how long it waits.

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

/// How long a head may take; who asks nothing for that long is not waited for either (Kestrel's
/// `RequestHeadersTimeout`).
pub(crate) const HEAD_LIMIT: Duration = Duration::from_secs(30);

/// From when on a body has to come at a rate, and at which one (Kestrel's
/// `MinRequestBodyDataRate`).
pub(crate) const BODY_GRACE: Duration = Duration::from_secs(5);
pub(crate) const BODY_BYTES_PER_SECOND: u64 = 240;

/// Answers the requests of one connection until either side ends it.
pub(crate) async fn talk<F, E>(
    connection: impl AsyncRead + AsyncWrite + Unpin,
    answer: impl Fn(Request<TimedBody>) -> F,
) where
    F: Future<Output = Result<Response<Full<Bytes>>, E>>,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    let service = service_fn(|request| checked(request, &answer));
    // An error is a connection that either side has ended.
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_LIMIT)
        .serve_connection(TokioIo::new(connection), service)
        .await;
}

/// Refuses what no server may take (RFC 9112, section 3.2) and what comes too slowly.
async fn checked<F, E>(
    request: Request<Incoming>,
    answer: impl Fn(Request<TimedBody>) -> F,
) -> Result<Response<Full<Bytes>>, E>
where
    F: Future<Output = Result<Response<Full<Bytes>>, E>>,
{
    let hosts = request.headers().get_all(HOST).iter().count();
    if hosts > 1 || hosts == 0 && request.version() != Version::HTTP_10 {
        return Ok(refusal(StatusCode::BAD_REQUEST));
    }
    let is_too_slow = Arc::new(AtomicBool::new(false));
    let request = request.map(|body| TimedBody::new(body, Arc::clone(&is_too_slow)));
    let answer = answer(request).await;
    if is_too_slow.load(Ordering::Relaxed) {
        return Ok(refusal(StatusCode::REQUEST_TIMEOUT));
    }
    answer
}

/// An answer without a body, after which the connection ends.
fn refusal(status: StatusCode) -> Response<Full<Bytes>> {
    let mut refusal = Response::new(Full::default());
    *refusal.status_mut() = status;
    refusal.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    refusal.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    refusal
}

/// A body that fails when it comes too slowly.
pub(crate) struct TimedBody {
    body: Incoming,
    received: u64,
    /// Since when it is waited for, and until when.
    waiting: Option<(Instant, Pin<Box<Sleep>>)>,
    is_too_slow: Arc<AtomicBool>,
}

/// Why there is no more of a body.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyError {
    #[error("the body broke off")]
    Broken(#[source] hyper::Error),
    #[error("the body comes too slowly")]
    TooSlow,
}

impl TimedBody {
    fn new(body: Incoming, is_too_slow: Arc<AtomicBool>) -> Self {
        Self { body, received: 0, waiting: None, is_too_slow }
    }

    /// Completes when the rate was too low for too long.
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

impl Body for TimedBody {
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
        Poll::Ready(frame.map(|frame| frame.map_err(BodyError::Broken)))
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

    /// The other end of a connection whose requests are answered with the length of their bodies.
    fn connected() -> DuplexStream {
        let (ours, theirs) = duplex(1 << 16);
        let answer = async |request: Request<TimedBody>| {
            let length = request.into_body().collect().await.map(|body| body.to_bytes().len());
            let text = length.map_or_else(|error| error.to_string(), |length| length.to_string());
            Ok::<_, Infallible>(Response::new(Full::from(text)))
        };
        tokio::spawn(async move { talk(theirs, answer).await });
        ours
    }

    /// What comes back until the connection ends, and after how many seconds.
    async fn rest(mut connection: DuplexStream) -> (String, u64) {
        let begun = Instant::now();
        let mut text = String::new();
        connection.read_to_string(&mut text).await.expect("answers are texts");
        (text, begun.elapsed().as_secs())
    }

    async fn answer_to(request: &str) -> (String, u64) {
        let mut connection = connected();
        connection.write_all(request.as_bytes()).await.expect("it is open");
        rest(connection).await
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_does_not_end_ends_the_connection() {
        for head in ["", "GET / HT", "GET / HTTP/1.1\r\nHost: a\r\n"] {
            assert_eq!(answer_to(head).await, (String::new(), 30), "{head}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_stops_is_refused_and_ends_the_connection() {
        for (head, seconds) in [
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf".to_owned(), 5),
            ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned(), 5),
            (format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999\r\n\r\n{:2400}", ""), 10),
        ] {
            let (answer, after) = answer_to(&head).await;

            assert!(answer.starts_with("HTTP/1.1 408 Request Timeout\r\n"), "{answer}");
            assert!(answer.contains("connection: close\r\n"), "{answer}");
            assert!(answer.contains("cache-control: no-store\r\n"), "{answer}");
            assert_eq!(after, seconds);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_is_slow_but_moves_is_read() {
        let mut connection = connected();
        let head =
            "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 15000\r\n\r\n";
        connection.write_all(head.as_bytes()).await.expect("it is open");

        for _ in 0..600 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            connection.write_all(&[b'x'; 25]).await.expect("it is open");
        }

        let (answer, _) = rest(connection).await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("15000"), "{answer}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_names_one_host() {
        for (lines, status) in [
            ("HTTP/1.1\r\nConnection: close", 400),
            ("HTTP/1.1\r\nHost: a\r\nHost: a\r\nConnection: close", 400),
            ("HTTP/1.0\r\nHost: a\r\nHost: b", 400),
            ("HTTP/1.0", 200),
            ("HTTP/1.1\r\nHost: a\r\nConnection: close", 200),
        ] {
            let (answer, _) = answer_to(&format!("GET / {lines}\r\n\r\n")).await;

            assert_eq!(answer.get(9..12), Some(status.to_string().as_str()), "{lines}: {answer}");
        }
    }
}

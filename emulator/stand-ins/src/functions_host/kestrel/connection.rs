//! One connection: serves its requests until either side closes it (`HttpProtocol.cs`).

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};

use super::head::{self, Head, Refusal};
use super::{Application, Body, BodyError, Response};
use crate::http::HEAD_LIMIT;

/// How long a connection may be idle (`KeepAliveTimeout`).
const IDLE_MAX: Duration = Duration::from_secs(130);

/// How long to wait for the client's end of the connection after ours.
const LINGERING_MAX: Duration = Duration::from_secs(5);

/// The size of one read.
const READ_BYTES: usize = 16 << 10;

/// A bidirectional byte stream.
pub(super) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Duplex for S {}

/// A connection and the bytes that are received but not consumed.
pub(super) struct Connection {
    stream: Box<dyn Duplex>,
    pub(super) received: BytesMut,
}

/// Serves the requests of a connection. When the server stops, it finishes the request under way.
pub(super) async fn serve(
    stream: impl Duplex + 'static,
    application: Arc<impl Application>,
    mut stopped: watch::Receiver<bool>,
) {
    let mut connection = Connection { stream: Box::new(stream), received: BytesMut::new() };
    loop {
        let head = tokio::select! {
            head = connection.head() => head,
            _ = stopped.wait_for(|stopped| *stopped) => return,
        };
        let Head { request, is_http_10, keeps_alive, framing, expects_continue } = match head {
            Ok(Some(head)) => head,
            Ok(None) => return,
            Err(refusal) => return connection.refuse(refusal).await,
        };
        let is_head = request.method == "HEAD";
        let mut body = Body::new(&mut connection, framing, expects_continue);
        let response = match application.respond(request, &mut body).await {
            Ok(response) => response,
            Err(BodyError::TooSlow) => return connection.refuse(Refusal(408)).await,
            Err(BodyError::Incomplete) => return,
        };
        let keeps_alive = keeps_alive && !*stopped.borrow();
        let (message, keeps_alive) = response.into_bytes(is_head, is_http_10, keeps_alive);
        let sent = body.send(message).await;
        if sent.is_err() || !body.drain().await || !keeps_alive {
            return connection.close().await;
        }
    }
}

impl Connection {
    /// Reads the next head; `None` at the end of the connection.
    async fn head(&mut self) -> Result<Option<Head>, Refusal> {
        let idle_until = Instant::now() + IDLE_MAX;
        let mut head_until = None;
        loop {
            if !self.received.is_empty() {
                if let Some((head, length)) = head::parse(&self.received)? {
                    self.received.advance(length);
                    return Ok(Some(head));
                }
                head_until.get_or_insert_with(|| Instant::now() + HEAD_LIMIT);
            }
            match timeout_at(head_until.unwrap_or(idle_until), self.receive()).await {
                Err(_) if head_until.is_some() => return Err(Refusal(408)),
                Err(_) | Ok(Err(_)) => return Ok(None),
                Ok(Ok(0)) if head_until.is_some() => return Err(Refusal(400)),
                Ok(Ok(0)) => return Ok(None),
                Ok(Ok(_)) => {}
            }
        }
    }

    /// Receives more bytes; 0 means the end.
    pub(super) async fn receive(&mut self) -> io::Result<usize> {
        self.received.reserve(READ_BYTES);
        self.stream.read_buf(&mut self.received).await
    }

    pub(super) async fn send(&mut self, mut message: impl Buf) -> io::Result<()> {
        self.stream.write_all_buf(&mut message).await?;
        self.stream.flush().await
    }

    async fn refuse(&mut self, Refusal(status): Refusal) {
        let (message, _) = Response::empty(status).into_bytes(false, false, false);
        if self.send(message).await.is_ok() {
            self.close().await;
        }
    }

    /// Closes the connection. Reads the rest first, since the client might lose the response
    /// otherwise.
    async fn close(&mut self) {
        let lingering = async {
            self.stream.shutdown().await?;
            while self.receive().await? > 0 {
                self.received.clear();
            }
            io::Result::Ok(())
        };
        let _ = timeout(LINGERING_MAX, lingering).await;
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{DuplexStream, duplex};

    use super::super::Request;
    use super::*;

    /// Responds with the length of the body, or without reading it.
    struct Lengths;

    impl Application for Lengths {
        async fn respond(
            &self,
            request: Request,
            body: &mut Body<'_>,
        ) -> Result<Response, BodyError> {
            let response = match request.path.as_str() {
                "/unread" => "unread".to_owned(),
                _ => body.read().await?.len().to_string(),
            };
            Ok(Response { body: response.into(), ..Response::empty(200) })
        }
    }

    /// The client's end of a connection, and the server's stop signal.
    fn connected() -> (DuplexStream, watch::Sender<bool>) {
        let (ours, theirs) = duplex(1 << 16);
        let (stop, stopped) = watch::channel(false);
        tokio::spawn(serve(theirs, Arc::new(Lengths), stopped));
        (ours, stop)
    }

    /// The responses up to the end of the connection, and the seconds that took.
    async fn rest(mut connection: DuplexStream) -> (String, u64) {
        let start = Instant::now();
        let mut text = String::new();
        connection.read_to_string(&mut text).await.expect("the response is text");
        (text, start.elapsed().as_secs())
    }

    /// The statuses and bodies of the responses, and the seconds until the end.
    async fn responses_to(requests: &str) -> (Vec<String>, u64) {
        let (mut connection, _stop) = connected();
        connection.write_all(requests.as_bytes()).await.expect("it is open");
        let (text, after) = rest(connection).await;
        let responses = text.split("HTTP/1.1 ").skip(1).map(|response| {
            let body = response.split("\r\n\r\n").nth(1).unwrap_or_default();
            let body = body.split("\r\n").nth(1).unwrap_or_default();
            format!("{} {body}", &response[..3])
        });
        (responses.collect(), after)
    }

    #[tokio::test(start_paused = true)]
    async fn requests_are_served_until_one_closes_the_connection() {
        let requests = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab\
            POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab\
            POST /unread HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
            3;x=y\r\nabc\r\n0\r\nTrailer: 1\r\n\r\n\
            GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n\
            GET / HTTP/1.1\r\nHost: a\r\n\r\n";

        let (responses, _) = responses_to(requests).await;

        assert_eq!(responses, ["200 2", "200 unread", "200 unread", "200 0"]);
    }

    #[tokio::test(start_paused = true)]
    async fn idle_and_unfinished_connections_are_closed() {
        for (requests, responses, seconds) in [
            ("", &[][..], 130),
            ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", &["200 0"], 130),
            ("GET / HT", &["408 "], 30),
            ("GET / HTTP/1.1\r\nHost: a\r\nX", &["408 "], 30),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf", &["408 "], 5),
            (
                "POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf",
                &["200 unread"],
                5,
            ),
            (
                "POST /unread HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
                &["200 unread"],
                0,
            ),
        ] {
            assert_eq!(responses_to(requests).await, (owned(responses), seconds), "{requests}");
        }
    }

    fn owned(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_at_the_minimum_rate_is_read() {
        let (mut connection, _stop) = connected();
        let head =
            "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 15000\r\n\r\n";
        connection.write_all(head.as_bytes()).await.expect("it is open");

        for _ in 0..600 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            connection.write_all(&[b'x'; 25]).await.expect("it is open");
        }

        let (response, _) = rest(connection).await;
        assert!(response.contains("\r\n15000\r\n"), "{response}");
    }

    #[tokio::test(start_paused = true)]
    async fn reading_a_body_sends_100_continue_to_a_waiting_client() {
        let head = |path| {
            format!(
                "POST {path} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
            )
        };
        let (mut connection, _stop) = connected();
        connection.write_all(head("/").as_bytes()).await.expect("it is open");
        let mut interim = [0; 25];
        connection.read_exact(&mut interim).await.expect("a word");
        assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
        connection.write_all(b"ab").await.expect("it is open");
        assert!(rest(connection).await.0.contains("\r\n2\r\n"));

        assert_eq!(responses_to(&head("/unread")).await, (owned(&["200 unread"]), 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_stopping_server_finishes_the_request_under_way() {
        let (mut connection, stop) = connected();
        let request = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n";
        connection.write_all(request).await.expect("it is open");
        tokio::task::yield_now().await;
        let (idle, stop_idle) = connected();

        stop.send_replace(true);
        stop_idle.send_replace(true);
        connection.write_all(b"ab").await.expect("it is open");

        let (response, after) = rest(connection).await;
        assert!(response.contains("Connection: close\r\n"), "{response}");
        assert_eq!(after, 0);
        assert_eq!(rest(idle).await, (String::new(), 0));
    }
}

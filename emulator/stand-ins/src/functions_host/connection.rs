//! A pool of connections to the handler.
//!
//! The calling task drives the connection. A task of its own would switch threads twice per call,
//! which costs more than everything else that the host does.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpStream, ToSocketAddrs};

/// An open connection.
pub(super) struct Connection {
    sender: http1::SendRequest<Full<Bytes>>,
    driver: http1::Connection<TokioIo<TcpStream>, Full<Bytes>>,
    has_ended: bool,
}

/// Why an exchange has failed.
pub(super) enum ExchangeError {
    /// The connection was already closed, so the request can be sent over another one.
    Unsent(Box<Request<Full<Bytes>>>),
    Lost,
}

/// The idle connections, each with the id of the process that it is connected to.
#[derive(Default)]
pub(super) struct Pool(Mutex<Vec<(Option<u32>, Connection)>>);

impl Connection {
    pub(super) async fn open(address: impl ToSocketAddrs) -> std::io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let handshake = http1::handshake(TokioIo::new(stream)).await;
        let (sender, driver) = handshake.map_err(std::io::Error::other)?;
        Ok(Self { sender, driver, has_ended: false })
    }

    /// Sends a request and reads the whole response.
    pub(super) async fn exchange(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Bytes>, ExchangeError> {
        let Self { sender, driver, has_ended } = self;
        let mut responding = pin!(async {
            let sent = sender.try_send_request(request).await;
            let (parts, body) = sent
                .map_err(|mut error| match error.take_message() {
                    Some(request) => ExchangeError::Unsent(Box::new(request)),
                    None => ExchangeError::Lost,
                })?
                .into_parts();
            let body = body.collect().await.map_err(|_| ExchangeError::Lost)?;
            Ok(Response::from_parts(parts, body.to_bytes()))
        });
        poll_fn(|context| {
            // Two polls complete the head and body of a short response.
            for _ in 0..2 {
                if let Poll::Ready(response) = responding.as_mut().poll(context) {
                    return Poll::Ready(response);
                }
                *has_ended = *has_ended || Pin::new(&mut *driver).poll(context).is_ready();
            }
            responding.as_mut().poll(context)
        })
        .await
    }

    /// Whether the connection is open, as far as is known.
    fn is_open(&mut self) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        self.has_ended = self.has_ended || Pin::new(&mut self.driver).poll(&mut context).is_ready();
        !self.has_ended
    }
}

impl Pool {
    /// Sends a request over an idle connection to this process, or over a new one.
    pub(super) async fn exchange(
        &self,
        address: &str,
        process_id: Option<u32>,
        mut request: Request<Full<Bytes>>,
    ) -> Option<Response<Bytes>> {
        loop {
            let kept = self.take(process_id);
            let was_kept = kept.is_some();
            let mut connection = match kept {
                Some(connection) => connection,
                None => Connection::open(address).await.ok()?,
            };
            match connection.exchange(request).await {
                Ok(response) => {
                    self.keep(process_id, connection);
                    return Some(response);
                }
                Err(ExchangeError::Unsent(unsent)) if was_kept => request = *unsent,
                Err(ExchangeError::Unsent(_) | ExchangeError::Lost) => return None,
            }
        }
    }

    fn take(&self, process_id: Option<u32>) -> Option<Connection> {
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some((connected_to, mut connection)) = idle.pop() {
            // Connections to an earlier process are dropped.
            if connected_to == process_id && connection.is_open() {
                return Some(connection);
            }
        }
        None
    }

    fn keep(&self, process_id: Option<u32>, mut connection: Connection) {
        if connection.is_open() {
            let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            idle.push((process_id, connection));
        }
    }
}

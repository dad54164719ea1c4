//! Connections to the handler, kept for one call after another.
//!
//! A connection is driven by the task that calls: with a task of its own each call would change
//! threads twice, which costs more than all else that the host does.

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

/// Why there is no response.
pub(super) enum Failure {
    /// The connection had been closed before, so that the request can go over another one.
    Unsent(Box<Request<Full<Bytes>>>),
    Lost,
}

/// Idle connections, each with the process that it leads to.
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
    ) -> Result<Response<Bytes>, Failure> {
        let Self { sender, driver, has_ended } = self;
        let mut responding = pin!(async {
            let sent = sender.try_send_request(request).await;
            let (parts, body) = sent
                .map_err(|mut error| match error.take_message() {
                    Some(request) => Failure::Unsent(Box::new(request)),
                    None => Failure::Lost,
                })?
                .into_parts();
            let body = body.collect().await.map_err(|_| Failure::Lost)?;
            Ok(Response::from_parts(parts, body.to_bytes()))
        });
        poll_fn(|context| {
            // Head and body of a short answer come through in one go.
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

    /// Whether the other side has not closed it, as far as is known.
    fn is_open(&mut self) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        self.has_ended = self.has_ended || Pin::new(&mut self.driver).poll(&mut context).is_ready();
        !self.has_ended
    }
}

impl Pool {
    /// Sends a request to a process over an idle connection, or over a new one.
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
                Err(Failure::Unsent(unsent)) if was_kept => request = *unsent,
                Err(Failure::Unsent(_) | Failure::Lost) => return None,
            }
        }
    }

    fn take(&self, process_id: Option<u32>) -> Option<Connection> {
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some((of, mut connection)) = idle.pop() {
            // What leads to an earlier process is dropped.
            if of == process_id && connection.is_open() {
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

//! HTTP/1.1 with Kestrel's behaviour, which no library offers: original header names, its limits
//! and refusals, any status code, chunked responses (dotnet/aspnetcore,
//! `src/Servers/Kestrel/Core`).

mod body;
mod connection;
mod head;
mod headers;
mod response;

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

pub(super) use body::{Body, BodyError};
pub(super) use head::Request;
pub(super) use headers::Headers;
pub(super) use response::Response;

/// How long a stopping server waits for the requests under way.
const STOPPING_MAX: Duration = Duration::from_secs(5);

/// Serves requests. It is not notified of disconnected callers, so their requests are completed
/// too.
pub(super) trait Application: Send + Sync + 'static {
    /// Responds to a request; if the body cannot be read, the connection responds instead.
    fn respond(
        &self,
        request: Request,
        body: &mut Body<'_>,
    ) -> impl Future<Output = Result<Response, BodyError>> + Send;
}

/// Accepts connections until `stopping` completes, then finishes the requests under way. Dropping
/// the future ends everything at once.
pub(super) async fn serve(
    listener: TcpListener,
    application: Arc<impl Application>,
    stopping: impl Future<Output = ()>,
) {
    let (stop, stopped) = watch::channel(false);
    let mut connections = JoinSet::new();
    let accepting = async {
        while let Ok((connection, _)) = listener.accept().await {
            while connections.try_join_next().is_some() {}
            let _ = connection.set_nodelay(true);
            let application = Arc::clone(&application);
            connections.spawn(connection::serve(connection, application, stopped.clone()));
        }
    };
    tokio::select! { () = accepting => {}, () = stopping => {} }
    drop(listener);
    stop.send_replace(true);
    let finishing = async { while connections.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(STOPPING_MAX, finishing).await;
}

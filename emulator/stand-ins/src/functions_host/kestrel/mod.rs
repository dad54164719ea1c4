//! HTTP/1.1 as Kestrel speaks it, which no library does: names as they were sent, its limits and
//! refusals, any status, answers in chunks (dotnet/aspnetcore, `src/Servers/Kestrel/Core`).

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

pub(super) use body::{Body, Unreadable};
pub(super) use head::Request;
pub(super) use headers::Headers;
pub(super) use response::Response;

/// How long a server that stops waits for the answers that are under way.
const STOPPING_MAX: Duration = Duration::from_secs(5);

/// Answers requests. It is not told when a caller goes away, so that the work is done all the same.
pub(super) trait Application: Send + Sync + 'static {
    /// The response to a request; a body that cannot be read is answered by the connection.
    fn respond(
        &self,
        request: Request,
        body: &mut Body<'_>,
    ) -> impl Future<Output = Result<Response, Unreadable>> + Send;
}

/// Takes connections until `stopping` completes; then finishes what is under way. Dropping it ends
/// everything at once.
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
            connections.spawn(connection::converse(connection, application, stopped.clone()));
        }
    };
    tokio::select! { () = accepting => {}, () = stopping => {} }
    drop(listener);
    stop.send_replace(true);
    let finishing = async { while connections.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(STOPPING_MAX, finishing).await;
}

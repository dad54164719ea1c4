//! The accept loop of all servers here.

use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// Serves each connection in a task of its own until dropped, which ends these tasks too.
pub(crate) async fn accept<F>(listener: TcpListener, serve: impl Fn(TcpStream, SocketAddr) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut connections = JoinSet::new();
    while let Ok((connection, peer)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        connections.spawn(serve(connection, peer));
    }
}

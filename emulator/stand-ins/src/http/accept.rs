//! How every server here takes connections.

use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// Talks with everyone who connects, until dropped, which ends all talks as well.
pub(crate) async fn accept<F>(listener: TcpListener, talk: impl Fn(TcpStream, SocketAddr) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut connections = JoinSet::new();
    while let Ok((connection, peer)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        connections.spawn(talk(connection, peer));
    }
}

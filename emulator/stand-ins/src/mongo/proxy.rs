//! A TCP proxy between a client and a mongod that loses, refuses or holds back what passes.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mongodb::bson::Document;
use mongodb::options::{ClientOptions, ServerAddress};
use tokio::io::AsyncWriteExt;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};

use super::wire;

const DEFAULT_PORT: u16 = 27017;

/// A proxy in front of one server, closed when dropped.
///
/// It understands plain connections without compression, looks at nothing but the names of
/// commands, and passes everything on until it is told otherwise.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    mode: watch::Sender<Mode>,
    seen: Arc<Seen>,
    serving: AbortHandle,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Mode {
    Passing,
    Refusing,
    Hanging,
}

/// What all connections have in common.
#[derive(Debug, Default)]
struct Seen {
    commands: Mutex<Vec<String>>,
    answers_to_lose: Mutex<Vec<String>>,
    answers_to_invent: Mutex<Vec<InventedAnswer>>,
}

#[derive(Debug)]
struct InventedAnswer {
    command: String,
    times: usize,
    answer: Document,
}

impl Proxy {
    /// Starts a proxy on a free port, in front of the first server of the connection string.
    ///
    /// # Panics
    /// If the connection string names no server, or the machine has no port left.
    pub async fn start(connection_string: &str) -> Self {
        let target = target(connection_string).await;
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a machine has a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let (mode, watching) = watch::channel(Mode::Passing);
        let seen = Arc::new(Seen::default());
        let serving = tokio::spawn(serve(listener, target, watching, Arc::clone(&seen)));
        Self { address, mode, seen, serving: serving.abort_handle() }
    }

    /// How a client reaches the server through the proxy.
    pub fn connection_string(&self) -> String {
        format!("mongodb://{}/?directConnection=true", self.address)
    }

    /// Passes the next command of this name on, and closes its connection when the answer comes.
    ///
    /// The command has taken place by then, and its client cannot know. Several calls add up.
    pub fn lose_next_answer_to(&self, command: &str) {
        lock(&self.seen.answers_to_lose).push(command.to_owned());
    }

    /// Answers the next commands of this name itself, so many times; the server never sees them.
    ///
    /// This is for what a server of one's own does not say, such as the throttling of Cosmos DB.
    pub fn answer_instead(&self, command: &str, times: usize, answer: Document) {
        let command = command.to_owned();
        lock(&self.seen.answers_to_invent).push(InventedAnswer { command, times, answer });
    }

    /// Whether every answer that was to be lost has been asked for by now.
    pub fn has_lost_all(&self) -> bool {
        lock(&self.seen.answers_to_lose).is_empty()
    }

    /// Closes every connection, and from now on each new one as soon as it is made.
    pub fn refuse(&self) {
        self.mode.send_replace(Mode::Refusing);
    }

    /// Takes connections and passes nothing on, in either direction.
    ///
    /// What clients send meanwhile never reaches the server, later neither.
    pub fn hang(&self) {
        self.mode.send_replace(Mode::Hanging);
    }

    /// Works again for new connections, after [`Proxy::refuse`] or [`Proxy::hang`].
    pub fn accept(&self) {
        self.mode.send_replace(Mode::Passing);
    }

    /// The names of the commands that came from clients, in order, `hello` and `ping` included.
    pub fn commands(&self) -> Vec<String> {
        lock(&self.seen.commands).clone()
    }
}

impl Seen {
    fn invent_answer(&self, command: &str) -> Option<Document> {
        let mut answers = lock(&self.answers_to_invent);
        let invented = answers
            .iter_mut()
            .find(|invented| invented.command == command && invented.times > 0)?;
        invented.times -= 1;
        Some(invented.answer.clone())
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn target(connection_string: &str) -> (String, u16) {
    let options =
        ClientOptions::parse(connection_string).await.expect("the connection string is valid");
    match options.hosts.into_iter().next() {
        Some(ServerAddress::Tcp { host, port }) => (host, port.unwrap_or(DEFAULT_PORT)),
        other => panic!("a proxy needs a server with a port, not {other:?}"),
    }
}

/// Takes connections until aborted, which ends them as well.
async fn serve(
    listener: TcpListener,
    target: (String, u16),
    mode: watch::Receiver<Mode>,
    seen: Arc<Seen>,
) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        if *mode.borrow() == Mode::Refusing {
            continue;
        }
        let connection = connect(client, target.clone(), mode.clone(), Arc::clone(&seen));
        connections.spawn(connection);
    }
}

/// Serves one connection until either side, or the mode, ends it.
async fn connect(
    client: TcpStream,
    target: (String, u16),
    mut mode: watch::Receiver<Mode>,
    seen: Arc<Seen>,
) -> io::Result<()> {
    if !may_pass(&mut mode).await {
        return Ok(());
    }
    let server = TcpStream::connect(target).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let lost_request = Mutex::new(None);
    let to_client = tokio::sync::Mutex::new(to_client);
    let commands =
        pass_commands(from_client, to_server, &to_client, mode.clone(), &seen, &lost_request);
    tokio::select! {
        end = commands => end,
        end = pass_answers(from_server, &to_client, mode.clone(), &lost_request) => end,
        _ = mode.wait_for(|mode| *mode == Mode::Refusing) => Ok(()),
    }
}

async fn pass_commands(
    mut client: OwnedReadHalf,
    mut server: OwnedWriteHalf,
    to_client: &tokio::sync::Mutex<OwnedWriteHalf>,
    mut mode: watch::Receiver<Mode>,
    seen: &Seen,
    lost_request: &Mutex<Option<i32>>,
) -> io::Result<()> {
    loop {
        let message = wire::Message::read(&mut client).await?;
        if !may_pass(&mut mode).await {
            return Ok(());
        }
        if let Some(command) = message.command_name() {
            lock(&seen.commands).push(command.to_owned());
            let mut answers_to_lose = lock(&seen.answers_to_lose);
            if let Some(index) = answers_to_lose.iter().position(|name| name == command) {
                answers_to_lose.remove(index);
                *lock(lost_request) = Some(message.request_id());
            }
        }
        if let Some(answer) = message.command_name().and_then(|name| seen.invent_answer(name)) {
            let answer = wire::Message::answer(message.request_id(), &answer)?;
            to_client.lock().await.write_all(answer.bytes()).await?;
            continue;
        }
        server.write_all(message.bytes()).await?;
    }
}

async fn pass_answers(
    mut server: OwnedReadHalf,
    client: &tokio::sync::Mutex<OwnedWriteHalf>,
    mut mode: watch::Receiver<Mode>,
    lost_request: &Mutex<Option<i32>>,
) -> io::Result<()> {
    loop {
        let message = wire::Message::read(&mut server).await?;
        let is_lost = *lock(lost_request) == Some(message.response_to());
        if is_lost || !may_pass(&mut mode).await {
            return Ok(());
        }
        client.lock().await.write_all(message.bytes()).await?;
    }
}

/// Whether a message may go on; if not, its connection is to be closed on return.
///
/// While hanging this does not return: a client that waits learns nothing until it may reconnect.
async fn may_pass(mode: &mut watch::Receiver<Mode>) -> bool {
    let now = *mode.borrow_and_update();
    if now == Mode::Hanging {
        // An error means that the proxy is being dropped, which ends this connection as well.
        let _ = mode.changed().await;
    }
    now == Mode::Passing
}

/// A test that panics elsewhere leaves these lists as good as they were.
fn lock<T>(list: &Mutex<T>) -> MutexGuard<'_, T> {
    list.lock().unwrap_or_else(PoisonError::into_inner)
}

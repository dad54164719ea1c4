//! A TCP proxy between a client and a mongod that can drop or delay messages, refuse connections or
//! hang.

use std::collections::VecDeque;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mongodb::bson::Document;
use mongodb::options::{ClientOptions, ServerAddress};
use tokio::io::AsyncWriteExt;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio::task::{AbortHandle, JoinSet};

use super::disturbance::{Disturbance, Disturbances};
use super::held::{Decision, Direction, Held, Hold};
use super::wire;

const DEFAULT_PORT: u16 = 27017;

/// The number of command names that are kept.
const COMMANDS_MAX: usize = 10_000;

/// A proxy to one server, closed when dropped.
///
/// It supports connections without TLS and compression, reads only the names of commands, and
/// forwards everything by default.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    mode: watch::Sender<Mode>,
    shared: Arc<Shared>,
    serving: AbortHandle,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Mode {
    Forwarding,
    Refusing,
    Hanging,
}

/// The state that all connections share.
#[derive(Debug, Default)]
struct Shared {
    commands: Mutex<VecDeque<String>>,
    fake_replies: Mutex<Vec<FakeReply>>,
    holds: Mutex<Vec<Hold>>,
    disturbances: Mutex<Disturbances>,
}

/// What happens to the replies of one connection, by the ids of their requests.
#[derive(Debug, Default)]
struct Replies {
    held: Option<(i32, Hold)>,
    /// Told when the reply is there.
    awaited: Option<(i32, oneshot::Sender<()>)>,
}

#[derive(Debug)]
struct FakeReply {
    command: String,
    times: usize,
    reply: Document,
}

impl Proxy {
    /// Starts a proxy on a free port to the first server of the connection string.
    ///
    /// # Panics
    /// If the connection string names no server, or no port is free.
    pub async fn start(connection_string: &str) -> Self {
        let target = target(connection_string).await;
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a machine has a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let (mode, mode_changes) = watch::channel(Mode::Forwarding);
        let shared = Arc::new(Shared::default());
        let serving = tokio::spawn(serve(listener, target, mode_changes, Arc::clone(&shared)));
        Self { address, mode, shared, serving: serving.abort_handle() }
    }

    /// The address of the proxy.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The connection string of the proxy.
    pub fn connection_string(&self) -> String {
        format!("mongodb://{}/?directConnection=true", self.address)
    }

    /// Forwards the next command of this name, and closes its connection instead of forwarding the
    /// reply.
    ///
    /// By then the server has executed the command, which the client cannot know. Repeated calls
    /// add up.
    pub fn lose_next_reply_to(&self, command: &str) {
        self.hold_next_reply_to(command).lose();
    }

    /// Holds the next command of this name back: the server has not received it yet.
    pub fn hold_next(&self, command: &str) -> Held {
        self.hold(command, Direction::Command)
    }

    /// Forwards the next command of this name, and holds its reply back.
    pub fn hold_next_reply_to(&self, command: &str) -> Held {
        self.hold(command, Direction::Reply)
    }

    fn hold(&self, command: &str, direction: Direction) -> Held {
        let (hold, held) = Hold::new(command, direction);
        lock(&self.shared.holds).push(hold);
        held
    }

    /// Replies to the next commands of this name itself, the given number of times; the server
    /// never receives them.
    ///
    /// For replies that a plain mongod never sends, such as the throttling of Cosmos DB.
    pub fn reply_instead(&self, command: &str, times: usize, reply: Document) {
        let command = command.to_owned();
        lock(&self.shared.fake_replies).push(FakeReply { command, times, reply });
    }

    /// Disturbs the writes of all clients, until [`Proxy::stop_disturbing`].
    pub fn disturb(&self, disturbance: Disturbance) {
        lock(&self.shared.disturbances).begin(disturbance);
    }

    /// Disturbs no further writes like this.
    pub fn stop_disturbing(&self, disturbance: Disturbance) {
        lock(&self.shared.disturbances).end(disturbance);
    }

    /// Whether the command of every reply that was to be lost, or held back, has been sent.
    pub fn has_lost_all_replies(&self) -> bool {
        lock(&self.shared.holds).is_empty()
    }

    /// Closes every connection, and each new one at once.
    pub fn refuse(&self) {
        self.mode.send_replace(Mode::Refusing);
    }

    /// Accepts connections and forwards nothing, in either direction.
    ///
    /// Commands that are sent meanwhile never reach the server.
    pub fn hang(&self) {
        self.mode.send_replace(Mode::Hanging);
    }

    /// Forwards new connections again, after [`Proxy::refuse`] or [`Proxy::hang`].
    pub fn accept(&self) {
        self.mode.send_replace(Mode::Forwarding);
    }

    /// The names of the commands that clients have sent, in order, including `hello` and `ping`: the
    /// last ten thousand.
    pub fn commands(&self) -> Vec<String> {
        lock(&self.shared.commands).iter().cloned().collect()
    }
}

impl Shared {
    fn note(&self, command: &str) {
        let mut commands = lock(&self.commands);
        if commands.len() == COMMANDS_MAX {
            commands.pop_front();
        }
        commands.push_back(command.to_owned());
    }

    fn hold(&self, command: &str) -> Option<Hold> {
        let mut holds = lock(&self.holds);
        match holds.iter().position(|hold| hold.command == command) {
            Some(index) => Some(holds.remove(index)),
            None => lock(&self.disturbances).hold(command),
        }
    }

    fn fake_reply(&self, command: &str) -> Option<Document> {
        let mut replies = lock(&self.fake_replies);
        let fake = replies.iter_mut().find(|fake| fake.command == command && fake.times > 0)?;
        fake.times -= 1;
        Some(fake.reply.clone())
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

/// Accepts connections until aborted, which closes them too.
async fn serve(
    listener: TcpListener,
    target: (String, u16),
    mode: watch::Receiver<Mode>,
    shared: Arc<Shared>,
) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        if *mode.borrow() == Mode::Refusing {
            continue;
        }
        let connection = forward(client, target.clone(), mode.clone(), Arc::clone(&shared));
        connections.spawn(connection);
    }
}

/// Forwards one connection until either side or the mode ends it.
async fn forward(
    client: TcpStream,
    target: (String, u16),
    mut mode: watch::Receiver<Mode>,
    shared: Arc<Shared>,
) -> io::Result<()> {
    if !should_forward(&mut mode).await {
        return Ok(());
    }
    let server = TcpStream::connect(target).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let replies = Mutex::default();
    let to_client = tokio::sync::Mutex::new(to_client);
    let commands =
        forward_commands(from_client, to_server, &to_client, mode.clone(), &shared, &replies);
    tokio::select! {
        end = commands => end,
        end = forward_replies(from_server, &to_client, mode.clone(), &replies) => end,
        _ = mode.wait_for(|mode| *mode == Mode::Refusing) => Ok(()),
    }
}

async fn forward_commands(
    mut client: OwnedReadHalf,
    mut server: OwnedWriteHalf,
    to_client: &tokio::sync::Mutex<OwnedWriteHalf>,
    mut mode: watch::Receiver<Mode>,
    shared: &Shared,
    replies: &Mutex<Replies>,
) -> io::Result<()> {
    loop {
        let message = wire::Message::read(&mut client).await?;
        if !should_forward(&mut mode).await {
            return Ok(());
        }
        if let Some(command) = message.command_name() {
            shared.note(command);
        }
        if let Some(mut hold) = message.command_name().and_then(|name| shared.hold(name)) {
            let id = message.request_id();
            if hold.direction == Direction::Reply {
                lock(replies).held = Some((id, hold));
            } else if hold.decision().await == Decision::Forward {
                let (told, replied) = oneshot::channel();
                lock(replies).awaited = Some((id, told));
                server.write_all(message.bytes()).await?;
                // A client that is gone would end this connection before the server has executed
                // the command.
                let _ = replied.await;
                hold.executed();
                continue;
            } else {
                return Ok(());
            }
        }
        if let Some(reply) = message.command_name().and_then(|name| shared.fake_reply(name)) {
            let reply = wire::Message::reply(message.request_id(), &reply)?;
            to_client.lock().await.write_all(reply.bytes()).await?;
            continue;
        }
        server.write_all(message.bytes()).await?;
    }
}

async fn forward_replies(
    mut server: OwnedReadHalf,
    client: &tokio::sync::Mutex<OwnedWriteHalf>,
    mut mode: watch::Receiver<Mode>,
    replies: &Mutex<Replies>,
) -> io::Result<()> {
    loop {
        let message = wire::Message::read(&mut server).await?;
        let held = {
            let mut replies = lock(replies);
            let id = message.response_to();
            if let Some((_, told)) = replies.awaited.take_if(|(awaited, _)| *awaited == id) {
                let _ = told.send(());
            }
            replies.held.take_if(|(held, _)| *held == id)
        };
        if let Some((_, mut hold)) = held
            && hold.decision().await == Decision::CloseConnection
        {
            return Ok(());
        }
        if !should_forward(&mut mode).await {
            return Ok(());
        }
        client.lock().await.write_all(message.bytes()).await?;
    }
}

/// Whether to forward a message; if not, the caller closes the connection.
///
/// While the proxy hangs, this does not return, so a waiting client does not notice until it may
/// reconnect.
async fn should_forward(mode: &mut watch::Receiver<Mode>) -> bool {
    let now = *mode.borrow_and_update();
    if now == Mode::Hanging {
        // An error means that the proxy is being dropped, which closes this connection too.
        let _ = mode.changed().await;
    }
    now == Mode::Forwarding
}

/// The values are valid after a panic elsewhere.
fn lock<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}

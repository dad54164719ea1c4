//! The mongod process.

use std::fs::File;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use mongodb::bson::doc;
use mongodb::error::Error as DriverError;
use mongodb::options::ClientOptions;
use mongodb::{Client, Database};
use thiserror::Error;

use super::data_folder::DataFolder;
use super::find;
use crate::watchdog::Watched;

/// A start takes well under a second; recovery after a kill on a busy machine takes longer.
const START_LIMIT: Duration = Duration::from_secs(60);

/// Between two questions whether the server answers.
const PING_INTERVAL: Duration = Duration::from_millis(20);

/// How long one such question waits for the server.
const PING_LIMIT: Duration = Duration::from_millis(500);

/// A clean stop writes a checkpoint of everything in the cache.
const STOP_LIMIT: Duration = Duration::from_secs(30);

/// Another process may take a free port between our finding it and mongod's using it.
const FREE_PORT_ATTEMPTS: usize = 3;

const REPLICA_SET: &str = "emulator";

/// How to start a mongod; by default a bare one with a temporary folder on a free port.
#[derive(Clone, Debug, Default)]
pub struct MongodOptions {
    /// Where the data is; without one, in a temporary folder that goes with the server.
    pub data: Option<PathBuf>,
    /// The port on 127.0.0.1; without one, any that is free.
    pub port: Option<u16>,
    /// Whether fail points may be set.
    pub test_commands: bool,
    /// Whether it is a replica set of one member, with sessions and an operation log.
    pub replica_set: bool,
}

/// Why there is no server.
#[derive(Debug, Error)]
pub enum MongodError {
    /// Neither installed nor fetched.
    #[error(
        "no mongod found: run scripts/setup, install MongoDB Community 6 or newer so that \
         `mongod` is on PATH, or set MONGO_CONNECTION_STRING"
    )]
    NotFound,
    /// Something else listens there.
    #[error("port {0} of 127.0.0.1 is taken, so mongod cannot use it")]
    PortTaken(u16),
    /// The data folder or the process could not be made.
    #[error("mongod cannot be started: {0}")]
    Start(#[from] io::Error),
    /// It ended instead of serving.
    #[error("mongod ended while it was starting; it said last:\n{said}")]
    Ended {
        /// The end of its console output and log.
        said: String,
    },
    /// It answers and takes no writes.
    #[error("mongod does not become writable; it said last:\n{said}")]
    NotWritable {
        /// The end of its console output and log.
        said: String,
    },
    /// It runs and does not answer.
    #[error("mongod does not answer: {0}")]
    Silent(#[from] DriverError),
}

/// A running mongod, killed when dropped.
#[derive(Debug)]
pub struct Mongod {
    // Dropped in this order: the process goes before the folder it writes to.
    process: Watched,
    data: DataFolder,
    port: u16,
    options: MongodOptions,
}

impl Mongod {
    /// Starts a server and waits until it answers.
    ///
    /// # Errors
    /// If there is no executable, the port is taken, or the server does not come up.
    pub async fn start(options: MongodOptions) -> Result<Self, MongodError> {
        let mut attempts = 1;
        loop {
            match Self::start_once(options.clone()).await {
                Err(MongodError::Ended { .. })
                    if options.port.is_none() && attempts < FREE_PORT_ATTEMPTS =>
                {
                    attempts += 1;
                }
                started => return started,
            }
        }
    }

    /// How a client reaches it; further options can be appended with `&`.
    pub fn connection_string(&self) -> String {
        format!("mongodb://127.0.0.1:{}/?directConnection=true", self.port)
    }

    /// Kills it (SIGKILL), as a crash would; the data stays.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Starts it again on the same port with the same data, killing it first if it still runs.
    ///
    /// # Errors
    /// If it does not come up again.
    pub async fn restart(&mut self) -> Result<(), MongodError> {
        self.process.kill();
        self.process = spawn(&self.data, self.port, &self.options)?;
        self.wait_until_ready().await
    }

    /// Waits until it has ended by itself.
    pub async fn ended(&mut self) {
        self.process.ended().await;
    }

    /// Ends it cleanly; a temporary data folder goes with it.
    pub async fn stop(mut self) {
        self.process.stop(STOP_LIMIT).await;
    }

    async fn start_once(options: MongodOptions) -> Result<Self, MongodError> {
        let port = usable_port(options.port)?;
        let data = DataFolder::create(options.data.clone())?;
        let process = spawn(&data, port, &options)?;
        let mut mongod = Self { process, data, port, options };
        mongod.wait_until_ready().await?;
        Ok(mongod)
    }

    async fn wait_until_ready(&mut self) -> Result<(), MongodError> {
        let mut client_options = ClientOptions::parse(self.connection_string()).await?;
        client_options.server_selection_timeout = Some(PING_LIMIT);
        let admin = Client::with_options(client_options)?.database("admin");
        let started = Instant::now();
        loop {
            let answer = self.ask_whether_ready(&admin).await;
            if self.process.exit_status().is_some() {
                let said = self.data.last_words();
                return Err(MongodError::Ended { said });
            }
            let is_late = started.elapsed() > START_LIMIT;
            match answer {
                Ok(true) => return Ok(()),
                Err(error) if is_late => return Err(error.into()),
                Ok(false) if is_late => {
                    return Err(MongodError::NotWritable { said: self.data.last_words() });
                }
                Ok(false) | Err(_) => tokio::time::sleep(PING_INTERVAL).await,
            }
        }
    }

    async fn ask_whether_ready(&self, admin: &Database) -> Result<bool, DriverError> {
        if !self.is_ours(admin).await? {
            return Ok(false);
        }
        let hello = admin.run_command(doc! { "hello": 1 }).await?;
        if self.options.replica_set && !hello.contains_key("setName") {
            let member = doc! { "_id": 0, "host": format!("127.0.0.1:{}", self.port) };
            let set = doc! { "_id": REPLICA_SET, "members": [member] };
            admin.run_command(doc! { "replSetInitiate": set }).await?;
        }
        Ok(hello.get_bool("isWritablePrimary").unwrap_or(false))
    }

    /// Whether the server that answers is this one; another may have taken the port first, and
    /// ours is about to find that out.
    async fn is_ours(&self, admin: &Database) -> Result<bool, DriverError> {
        let options = admin.run_command(doc! { "getCmdLineOpts": 1 }).await?;
        let folder = self.data.path().to_string_lossy();
        let arguments = options.get_array("argv");
        Ok(arguments.is_ok_and(|arguments| arguments.iter().any(|it| it.as_str() == Some(&folder))))
    }
}

fn spawn(data: &DataFolder, port: u16, options: &MongodOptions) -> Result<Watched, MongodError> {
    let executable = find::mongod().ok_or(MongodError::NotFound)?;
    let console = File::create(data.console())?;
    let errors = console.try_clone()?;
    let configure = |command: &mut Command| {
        command.arg("--dbpath").arg(data.path());
        command.arg("--logpath").arg(data.log());
        command.args(["--quiet", "--nounixsocket", "--bind_ip", "127.0.0.1"]);
        command.args(["--port", &port.to_string()]);
        command.args(["--wiredTigerCacheSizeGB", "0.25"]);
        // Saves writing 300 MB of empty journal at each start.
        command.args(["--wiredTigerEngineConfigString", "log=(prealloc=false)"]);
        command.args(["--setParameter", "diagnosticDataCollectionEnabled=false"]);
        if options.test_commands {
            command.args(["--setParameter", "enableTestCommands=1"]);
        }
        if options.replica_set {
            command.args(["--replSet", REPLICA_SET]);
        }
        command.stdout(console).stderr(errors);
    };
    Ok(Watched::start(&executable, configure, data.temporary())?)
}

/// The wanted port if nothing listens there, else any that is free.
fn usable_port(wanted: Option<u16>) -> Result<u16, MongodError> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, wanted.unwrap_or(0)));
    match (listener, wanted) {
        (Ok(listener), _) => Ok(listener.local_addr()?.port()),
        (Err(_), Some(port)) => Err(MongodError::PortTaken(port)),
        (Err(error), None) => Err(error.into()),
    }
}

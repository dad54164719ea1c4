//! The mongod process.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use mongodb::bson::doc;
use mongodb::error::Error as DriverError;
use mongodb::options::ClientOptions;
use mongodb::{Client, Database};
use tokio::net::TcpSocket;

use super::data_folder::DataFolder;
use super::error::MongodError;
use super::spawn::{REPLICA_SET, spawn, usable_port};
use super::user::{self, Credentials, Users};
use crate::process::{Watched, port};

/// A start takes well under a second, recovery after a kill on a busy machine longer.
const START_LIMIT: Duration = Duration::from_secs(60);

/// The pause between two checks whether the server is ready.
const PING_INTERVAL: Duration = Duration::from_millis(20);

/// The timeout of one check.
const PING_LIMIT: Duration = Duration::from_millis(500);

/// A clean stop writes a checkpoint of the whole cache.
const STOP_LIMIT: Duration = Duration::from_secs(30);

/// Another process may take the port before mongod opens it.
const FREE_PORT_ATTEMPTS: usize = 3;

/// Options of a mongod; by default a standalone server with a temporary folder on a free port.
#[derive(Clone, Debug, Default)]
pub struct MongodOptions {
    /// The data folder; by default a temporary one that is deleted with the server.
    pub data: Option<PathBuf>,
    /// The port on 127.0.0.1; by default any free one.
    pub port: Option<u16>,
    /// Whether fail points can be set.
    pub test_commands: bool,
    /// Whether it is a replica set of one member, with sessions and an oplog.
    pub replica_set: bool,
    /// The cache for documents and indexes, in GiB; by default a quarter of one.
    pub cache_gib: Option<u16>,
    /// The administrator. With one, access requires a user name and a password.
    pub administrator: Option<Credentials>,
}

/// A running mongod, killed when dropped.
#[derive(Debug)]
pub struct Mongod {
    // The drop order matters: the process ends before its folder is deleted.
    process: Watched,
    data: DataFolder,
    port: u16,
    options: MongodOptions,
    is_killed: bool,
    /// The port while the server is down: a parallel test would otherwise take it.
    reserved: Option<TcpSocket>,
}

impl Mongod {
    /// Starts a server and waits until it is ready.
    ///
    /// # Errors
    /// If there is no executable, the port is taken, or the server does not become ready.
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

    /// The connection string, of the administrator if there is one; further options can be appended
    /// with `&`.
    pub fn connection_string(&self) -> String {
        match &self.options.administrator {
            Some(administrator) => self.connection_string_of(administrator),
            None => self.anonymous_connection_string(),
        }
    }

    /// The connection string of a user; further options can be appended with `&`.
    pub fn connection_string_of(&self, user: &Credentials) -> String {
        user.connection_string(&self.address())
    }

    /// Creates a user with read and write access to one database, or changes the password of the
    /// user of that name.
    ///
    /// # Errors
    /// If there is no administrator, or the command fails.
    pub async fn set_user(&self, user: &Credentials, database: &str) -> Result<(), MongodError> {
        self.users()?.set(user, database).await
    }

    /// Removes a user, if it exists; its open connections lose their access.
    ///
    /// # Errors
    /// If there is no administrator, or the command fails.
    pub async fn drop_user(&self, name: &str) -> Result<(), MongodError> {
        self.users()?.drop(name).await
    }

    /// Manages the users of the server; remains valid while the server runs on its port.
    ///
    /// # Errors
    /// If there is no administrator.
    pub fn users(&self) -> Result<Users, MongodError> {
        let administrator = self.options.administrator.clone().ok_or(MongodError::NoUsers)?;
        Ok(Users::new(administrator, self.address()))
    }

    /// Kills the server (SIGKILL), as a crash would; the data is kept.
    pub fn kill(&mut self) {
        self.is_killed = true;
        self.process.kill();
        self.reserved = port::reserve(self.port);
    }

    /// Whether [`Mongod::kill`] has killed the server since its last start.
    pub fn is_killed(&self) -> bool {
        self.is_killed
    }

    /// Starts the server again with the same port and data, and kills it first if it still runs.
    ///
    /// # Errors
    /// If the server does not become ready.
    pub async fn restart(&mut self) -> Result<(), MongodError> {
        self.process.kill();
        self.reserved = None;
        self.process = spawn(&self.data, self.port, &self.options)?;
        self.is_killed = false;
        self.wait_until_ready().await
    }

    /// Whether the server has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        !self.is_killed && self.process.exit_status().is_some()
    }

    /// Ends the server cleanly and deletes a temporary data folder.
    pub async fn stop(mut self) {
        self.process.stop(STOP_LIMIT).await;
    }

    async fn start_once(options: MongodOptions) -> Result<Self, MongodError> {
        let port = usable_port(options.port)?;
        let data = DataFolder::create(options.data.clone())?;
        let process = spawn(&data, port, &options)?;
        let mut mongod = Self { process, data, port, options, is_killed: false, reserved: None };
        mongod.wait_until_ready().await?;
        Ok(mongod)
    }

    async fn wait_until_ready(&mut self) -> Result<(), MongodError> {
        let mut client_options = ClientOptions::parse(self.anonymous_connection_string()).await?;
        client_options.server_selection_timeout = Some(PING_LIMIT);
        let client = Client::with_options(client_options)?;
        let admin = client.database("admin");
        let started = Instant::now();
        loop {
            let is_ready = self.check_ready(&admin).await;
            if self.process.exit_status().is_some() {
                let output = self.data.log_tail();
                return Err(MongodError::Ended { output });
            }
            let is_late = started.elapsed() > START_LIMIT;
            match is_ready {
                Ok(true) => return self.ensure_administrator(&client).await,
                Err(error) if is_late => return Err(error.into()),
                Ok(false) if is_late => {
                    return Err(MongodError::NotWritable { output: self.data.log_tail() });
                }
                Ok(false) | Err(_) => tokio::time::sleep(PING_INTERVAL).await,
            }
        }
    }

    async fn check_ready(&self, admin: &Database) -> Result<bool, DriverError> {
        // Until then, another server that took the port first may respond.
        if !self.data.log_says_it_listens() {
            return Ok(false);
        }
        let hello = admin.run_command(doc! { "hello": 1 }).await?;
        if self.options.replica_set && !hello.contains_key("setName") {
            let member = doc! { "_id": 0, "host": self.address() };
            let set = doc! { "_id": REPLICA_SET, "members": [member] };
            admin.run_command(doc! { "replSetInitiate": set }).await?;
        }
        Ok(hello.get_bool("isWritablePrimary").unwrap_or(false))
    }

    async fn ensure_administrator(&self, anyone: &Client) -> Result<(), MongodError> {
        let Some(administrator) = &self.options.administrator else {
            return Ok(());
        };
        let ensured = user::ensure_administrator(anyone, administrator, &self.address()).await;
        ensured.map_err(MongodError::Administrator)
    }

    fn anonymous_connection_string(&self) -> String {
        format!("mongodb://{}/?directConnection=true", self.address())
    }

    fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

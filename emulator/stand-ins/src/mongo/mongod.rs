//! The mongod process.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use mongodb::bson::doc;
use mongodb::error::Error as DriverError;
use mongodb::options::ClientOptions;
use mongodb::{Client, Database};

use super::data_folder::DataFolder;
use super::error::MongodError;
use super::spawn::{REPLICA_SET, spawn, usable_port};
use super::user::{self, Credentials, Users};
use crate::process::Watched;

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
    /// Room for documents and indexes in its memory, in GiB; without it, a quarter of one.
    pub cache_gib: Option<u16>,
    /// Who may do everything. With one, nobody may do anything without a name and a password.
    pub administrator: Option<Credentials>,
}

/// A running mongod, killed when dropped.
#[derive(Debug)]
pub struct Mongod {
    // Dropped in this order: the process goes before the folder it writes to.
    process: Watched,
    data: DataFolder,
    port: u16,
    options: MongodOptions,
    is_killed: bool,
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

    /// How a client reaches it, as the administrator if there is one; further options can be
    /// appended with `&`.
    pub fn connection_string(&self) -> String {
        match &self.options.administrator {
            Some(administrator) => self.connection_string_of(administrator),
            None => self.anonymous_connection_string(),
        }
    }

    /// How a user reaches it; further options can be appended with `&`.
    pub fn connection_string_of(&self, user: &Credentials) -> String {
        user.connection_string(&self.address())
    }

    /// Creates a user who may read and write one database, or gives the user of that name this
    /// password.
    ///
    /// # Errors
    /// If there is no administrator, or the server refuses.
    pub async fn set_user(&self, user: &Credentials, database: &str) -> Result<(), MongodError> {
        self.users()?.set(user, database).await
    }

    /// Removes a user if there is one of this name; connections that it has open may do nothing
    /// from then on.
    ///
    /// # Errors
    /// If there is no administrator, or the server refuses.
    pub async fn drop_user(&self, name: &str) -> Result<(), MongodError> {
        self.users()?.drop(name).await
    }

    /// Its users, as its administrator sees them; stays good while the server runs on its port.
    ///
    /// # Errors
    /// If there is no administrator.
    pub fn users(&self) -> Result<Users, MongodError> {
        let administrator = self.options.administrator.clone().ok_or(MongodError::NoUsers)?;
        Ok(Users::new(administrator, self.address()))
    }

    /// Kills it (SIGKILL), as a crash would; the data stays.
    pub fn kill(&mut self) {
        self.is_killed = true;
        self.process.kill();
    }

    /// Whether it was killed by [`Mongod::kill`], and not restarted.
    pub fn is_killed(&self) -> bool {
        self.is_killed
    }

    /// Starts it again on the same port with the same data, killing it first if it still runs.
    ///
    /// # Errors
    /// If it does not come up again.
    pub async fn restart(&mut self) -> Result<(), MongodError> {
        self.process.kill();
        self.process = spawn(&self.data, self.port, &self.options)?;
        self.is_killed = false;
        self.wait_until_ready().await
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        !self.is_killed && self.process.exit_status().is_some()
    }

    /// Ends it cleanly; a temporary data folder goes with it.
    pub async fn stop(mut self) {
        self.process.stop(STOP_LIMIT).await;
    }

    async fn start_once(options: MongodOptions) -> Result<Self, MongodError> {
        let port = usable_port(options.port)?;
        let data = DataFolder::create(options.data.clone())?;
        let process = spawn(&data, port, &options)?;
        let mut mongod = Self { process, data, port, options, is_killed: false };
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
            let answer = self.ask_whether_ready(&admin).await;
            if self.process.exit_status().is_some() {
                let said = self.data.last_words();
                return Err(MongodError::Ended { said });
            }
            let is_late = started.elapsed() > START_LIMIT;
            match answer {
                Ok(true) => return self.ensure_administrator(&client).await,
                Err(error) if is_late => return Err(error.into()),
                Ok(false) if is_late => {
                    return Err(MongodError::NotWritable { said: self.data.last_words() });
                }
                Ok(false) | Err(_) => tokio::time::sleep(PING_INTERVAL).await,
            }
        }
    }

    async fn ask_whether_ready(&self, admin: &Database) -> Result<bool, DriverError> {
        // Until then, whoever answers is another server that took the port first.
        if !self.data.says_it_listens() {
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

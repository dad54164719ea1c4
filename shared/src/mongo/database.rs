//! The connection to a database, made when it is first needed and again when it is refused.

use std::io::Write;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use mongodb::Client;
use mongodb::error::Error as DriverError;
use mongodb::options::{Acknowledgment, ClientOptions, ServerMonitoringMode};
use serde::Serialize;
use tokio::sync::Mutex;

use super::retry::{self, Failure};
use crate::secrets::{LiveSecret, Secret, SecretVersion};
use crate::{Deadline, Result};

/// Cosmos DB drops connections that were idle for longer.
const IDLE_TIME_MAX: Duration = Duration::from_secs(120);

/// How long one attempt looks for a server that can take it; the retries go on after that.
const SERVER_SELECTION_TIME_MAX: Duration = Duration::from_secs(3);

/// How long one connection may take to come about.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(3);

/// The most connections that one process opens.
const POOL_SIZE_MAX: u32 = 100;

/// Connections that may come about at the same time.
const CONNECTING_MAX: u32 = 8;

/// How long the first connection is tried ahead of the first request.
const WARM_UP_TIME_MAX: Duration = Duration::from_secs(20);

/// A database and the one pool of connections to it.
///
/// The pool belongs to one value of the connection string. When that changes, a new pool takes
/// its place; the old one ends with the last operation that still uses it.
pub struct Database {
    name: String,
    connection_string: Arc<LiveSecret>,
    current: RwLock<Option<Connection>>,
    connecting: Mutex<()>,
}

/// The driver's handle, and the credentials that it was made with.
#[derive(Clone)]
pub(super) struct Connection {
    pub(super) database: mongodb::Database,
    credentials: SecretVersion,
}

impl Database {
    /// The database called `name`; nobody has connected to it yet.
    pub fn new(name: String, connection_string: Arc<LiveSecret>) -> Self {
        Self { name, connection_string, current: RwLock::new(None), connecting: Mutex::new(()) }
    }

    /// The database's name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Opens a connection ahead of the first request. Failure costs nothing: requests try again.
    pub async fn warm_up(&self) {
        let deadline = Deadline::after(WARM_UP_TIME_MAX);
        if let Ok(credentials) = self.connection_string.get(deadline).await
            && let Ok(connection) = self.connection_with(credentials, deadline).await
        {
            let _ = connection.database.run_command(mongodb::bson::doc! { "ping": 1 }).await;
        }
    }

    /// Runs an operation on the connection with the credentials in use and, if the database refuses
    /// them and there are newer ones, with the newer ones.
    ///
    /// # Errors
    /// [`Error::Unavailable`](crate::Error::Unavailable) if there are no credentials; inside, those
    /// of connecting and of the operation.
    pub(super) async fn with_connection<T, F>(
        &self,
        deadline: Deadline,
        operation: impl Fn(Connection) -> F,
    ) -> Result<Result<T, Failure>>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let operation = &operation;
        let attempt = |credentials| async move {
            operation(self.connection_with(credentials, deadline).await?).await
        };
        self.connection_string.with(deadline, attempt, Failure::is_unauthenticated).await
    }

    /// The connection that took the place of this one, or this one.
    pub(super) fn newest(&self, connection: &Connection) -> Connection {
        self.current(&connection.credentials).unwrap_or_else(|| connection.clone())
    }

    async fn connection_with(
        &self,
        credentials: SecretVersion,
        deadline: Deadline,
    ) -> Result<Connection, Failure> {
        if let Some(connection) = self.current(&credentials) {
            return Ok(connection);
        }
        let _turn = self.connecting.lock().await;
        if let Some(connection) = self.current(&credentials) {
            return Ok(connection);
        }
        let connect = || connect(&credentials.value);
        let client = retry::run("connect", "", deadline, connect).await?;
        let database = client.database(&self.name);
        let connection = Connection { database, credentials };
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        *current = Some(connection.clone());
        Ok(connection)
    }

    fn current(&self, credentials: &SecretVersion) -> Option<Connection> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        current
            .as_ref()
            .filter(|connection| connection.credentials.generation >= credentials.generation)
            .cloned()
    }
}

async fn connect(connection_string: &Secret) -> Result<Client, DriverError> {
    let mut options = ClientOptions::parse(connection_string.expose()).await?;
    // One retry policy, ours: it knows Cosmos DB's throttling, which the driver's does not.
    options.retry_reads = Some(false);
    options.retry_writes = Some(false);
    options.max_idle_time.get_or_insert(IDLE_TIME_MAX);
    options.server_selection_timeout.get_or_insert(SERVER_SELECTION_TIME_MAX);
    options.connect_timeout.get_or_insert(CONNECT_TIME_MAX);
    options.max_pool_size.get_or_insert(POOL_SIZE_MAX);
    options.max_connecting.get_or_insert(CONNECTING_MAX);
    // After a failover the driver then asks at once which server is the primary; streaming, it
    // would wait for one to say so, up to ten seconds. It polls in Azure Functions anyway.
    options.server_monitoring_mode.get_or_insert(ServerMonitoringMode::Poll);
    // What is acknowledged must survive a crash of the server: majority waits for its journal.
    options.write_concern.get_or_insert_default().w.get_or_insert(Acknowledgment::Majority);
    Client::with_options(options)
}

/// What an app needs of a database: the one list that the local stack creates and that Terraform
/// is checked against. Printed by `<app> collections`.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StoragePlan {
    /// The setting that names the database.
    pub database_setting: &'static str,
    /// The collections in it.
    pub collections: &'static [CollectionPlan],
}

impl StoragePlan {
    /// Writes the plan to standard output as JSON.
    ///
    /// # Errors
    /// If standard output is closed.
    pub fn print(&self) -> std::io::Result<()> {
        let json = serde_json::to_string(self)?;
        writeln!(std::io::stdout(), "{json}")
    }
}

/// A collection, its shard key and its indexes.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CollectionPlan {
    /// The collection's name.
    pub name: &'static str,
    /// The field that Cosmos DB partitions by.
    pub shard_key: &'static str,
    /// The indexes beside that of `_id`: the fields of each, all ascending.
    pub indexes: &'static [&'static [&'static str]],
}

//! The connection to a database, opened at first use and again after its credentials are refused.

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

/// Cosmos DB closes connections that are idle for longer.
const IDLE_TIME_MAX: Duration = Duration::from_secs(120);

/// Server selection timeout of one attempt; the retries continue after it.
const SERVER_SELECTION_TIME_MAX: Duration = Duration::from_secs(3);

/// The timeout for connecting.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(3);

/// The most connections of one process.
const POOL_SIZE_MAX: u32 = 100;

/// The most connections that are opened at the same time.
const CONNECTING_MAX: u32 = 8;

/// The time limit for opening the first connection ahead of the first request.
const WARM_UP_TIME_MAX: Duration = Duration::from_secs(20);

/// A database and the one pool of connections to it.
///
/// The pool belongs to one value of the connection string. After a change a new pool replaces it;
/// the old one closes with the last operation that uses it.
pub struct Database {
    name: String,
    connection_string: Arc<LiveSecret>,
    current: RwLock<Option<Connection>>,
    connecting: Mutex<()>,
}

/// The driver's handle, and the credentials that it was opened with.
#[derive(Clone)]
pub(super) struct Connection {
    pub(super) database: mongodb::Database,
    credentials: SecretVersion,
}

impl Database {
    /// The database `name`, not connected yet.
    pub fn new(name: String, connection_string: Arc<LiveSecret>) -> Self {
        Self { name, connection_string, current: RwLock::new(None), connecting: Mutex::new(()) }
    }

    /// The database's name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Connects ahead of the first request. A failure is harmless: requests try again.
    pub async fn warm_up(&self) {
        let deadline = Deadline::after(WARM_UP_TIME_MAX);
        if let Ok(credentials) = self.connection_string.get(deadline).await
            && let Ok(connection) = self.connection_with(credentials, deadline).await
        {
            let _ = connection.database.run_command(mongodb::bson::doc! { "ping": 1 }).await;
        }
    }

    /// Runs an operation with the current credentials and, if the database refuses them, with newer
    /// ones if there are any.
    ///
    /// # Errors
    /// [`Error::Unavailable`](crate::Error::Unavailable) if there are no credentials; the inner
    /// result has the errors of connecting and of the operation.
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

    /// The connection that replaced this one, or this one.
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
    // Our retry policy replaces the driver's, which does not know Cosmos DB's throttling.
    options.retry_reads = Some(false);
    options.retry_writes = Some(false);
    options.max_idle_time.get_or_insert(IDLE_TIME_MAX);
    options.server_selection_timeout.get_or_insert(SERVER_SELECTION_TIME_MAX);
    options.connect_timeout.get_or_insert(CONNECT_TIME_MAX);
    options.max_pool_size.get_or_insert(POOL_SIZE_MAX);
    options.max_connecting.get_or_insert(CONNECTING_MAX);
    // When polling, the driver looks for the new primary at once after a failover; when streaming,
    // it would wait up to ten seconds for an update. In Azure Functions it polls anyway.
    options.server_monitoring_mode.get_or_insert(ServerMonitoringMode::Poll);
    // Acknowledged writes must survive a server crash: majority waits for the journal.
    options.write_concern.get_or_insert_default().w.get_or_insert(Acknowledgment::Majority);
    Client::with_options(options)
}

/// The collections that an app needs, printed by `<app> collections`. The local stack creates them
/// from this list, and Terraform is checked against it.
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
    /// The fields of each index except that on `_id`, all ascending.
    pub indexes: &'static [&'static [&'static str]],
}

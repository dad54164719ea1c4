//! The connection to a database, made when it is first needed.

use std::io::Write;
use std::time::Duration;

use mongodb::Client;
use mongodb::error::Error as DriverError;
use mongodb::options::{Acknowledgment, ClientOptions, ServerMonitoringMode};
use serde::Serialize;
use tokio::sync::OnceCell;

use crate::settings::MongoSettings;

/// Cosmos DB drops connections that were idle for longer (design, section 9).
const IDLE_TIME_MAX: Duration = Duration::from_secs(120);

/// How long one attempt looks for a server that can take it; the retries go on after that.
const SERVER_SELECTION_TIME_MAX: Duration = Duration::from_secs(3);

/// How long one connection may take to come about.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(3);

/// The most connections that one process opens.
const POOL_SIZE_MAX: u32 = 100;

/// Connections that may come about at the same time.
const CONNECTING_MAX: u32 = 8;

/// A database and the one pool of connections to it.
#[derive(Debug)]
pub struct Database {
    settings: MongoSettings,
    client: OnceCell<Client>,
}

impl Database {
    /// A database that nobody has connected to yet.
    pub fn new(settings: MongoSettings) -> Self {
        Self { settings, client: OnceCell::new() }
    }

    /// Opens a connection ahead of the first request. Failure costs nothing: requests try again.
    pub async fn warm_up(&self) {
        if let Ok(database) = self.handle().await {
            let _ = database.run_command(mongodb::bson::doc! { "ping": 1 }).await;
        }
    }

    /// The driver's handle; a failure to make one is not remembered.
    pub(super) async fn handle(&self) -> Result<mongodb::Database, DriverError> {
        let client = self.client.get_or_try_init(|| connect(&self.settings)).await?;
        Ok(client.database(&self.settings.database))
    }
}

async fn connect(settings: &MongoSettings) -> Result<Client, DriverError> {
    let mut options = ClientOptions::parse(settings.connection_string.expose()).await?;
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
    /// Fields with an ascending index of their own, beside `_id`.
    pub indexes: &'static [&'static str],
}

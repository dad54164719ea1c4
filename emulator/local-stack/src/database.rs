//! The database of the local stack.

use serde::Deserialize;
use stand_ins::mongo::{
    self, CollectionPlan, Credentials, Mongod, MongodError, MongodOptions, Proxy,
};

use super::secrets::ConnectionStrings;
use super::{LocalStackError, LocalStackOptions, PackagedApp};

/// The connection string, and the mongod if the stack started it.
#[derive(Debug)]
pub(super) struct Database {
    pub(super) connection_string: String,
    pub(super) own: Option<Mongod>,
    /// Between the apps and the stack's mongod, if faults are allowed.
    pub(super) proxy: Option<Proxy>,
}

/// The output of `<app executable> collections`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct StoragePlan {
    database_setting: String,
    collections: Vec<CollectionPlan>,
}

impl Database {
    /// Uses the given database, or starts a mongod with its data in the state folder; with
    /// `faults`, its fail points can be set and the apps reach it through a proxy.
    pub(super) async fn start(
        options: &LocalStackOptions,
        administrator: &Credentials,
    ) -> Result<Self, MongodError> {
        if let Some(connection_string) = &options.connection_string {
            let connection_string = connection_string.clone();
            return Ok(Self { connection_string, own: None, proxy: None });
        }
        let mongod_options = MongodOptions {
            data: Some(options.state.join("mongodb")),
            port: options.mongod_port,
            administrator: Some(administrator.clone()),
            test_commands: options.faults,
            ..MongodOptions::default()
        };
        let own = match Mongod::start(mongod_options.clone()).await {
            // The port is taken, perhaps by another mongod that is starting.
            Err(MongodError::PortTaken(_) | MongodError::Ended { .. }) => {
                Mongod::start(MongodOptions { port: None, ..mongod_options }).await?
            }
            started => started?,
        };
        let connection_string = own.connection_string();
        let proxy = match options.faults {
            true => Some(Proxy::start(&connection_string).await),
            false => None,
        };
        Ok(Self { connection_string, own: Some(own), proxy })
    }

    /// The connection strings for the apps.
    pub(super) fn connection_strings(&self) -> Result<ConnectionStrings, MongodError> {
        match &self.own {
            Some(own) => {
                let users = own.users()?;
                Ok(ConnectionStrings::PerUser(match &self.proxy {
                    Some(proxy) => users.through(proxy),
                    None => users,
                }))
            }
            None => Ok(ConnectionStrings::Given(self.connection_string.clone())),
        }
    }

    /// Creates the collections that the app's executable lists.
    pub(super) async fn prepare(
        &self,
        app: &PackagedApp,
        settings: &[(String, String)],
    ) -> Result<(), LocalStackError> {
        let plan: StoragePlan = app.output_of("collections").await?;
        let database = settings
            .iter()
            .find(|(name, _)| *name == plan.database_setting)
            .map(|(_, value)| value.as_str())
            .ok_or_else(|| app.unusable(format!("unknown setting {}", plan.database_setting)))?;
        mongo::create_collections(&self.connection_string, database, &plan.collections)
            .await
            .map_err(LocalStackError::Collections)
    }
}

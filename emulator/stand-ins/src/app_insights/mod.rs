//! Application Insights: accepts telemetry as Azure's ingestion endpoint does, and stores it.
//!
//! It is stricter than Azure, which truncates long texts and drops invalid items silently.

mod body;
mod item;
mod reporter;
mod schema;
mod server;
mod store;
mod time_span;

use std::fmt;
use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use uuid::Uuid;

pub use crate::fault::Fault;
pub use item::{
    Data, DataPoint, Dependency, Event, Exception, ExceptionDetails, Item, Message, Metric, Request,
};
pub(crate) use reporter::{Reporter, RequestStart};
use store::Store;

/// The number of items that are kept; older ones are dropped.
pub const ITEMS_MAX: usize = 5000;

/// A running ingestion endpoint, closed when dropped.
#[derive(Debug)]
pub struct AppInsights {
    telemetry: Telemetry,
    serving: JoinHandle<()>,
}

/// The telemetry that an endpoint has received.
#[derive(Clone)]
pub struct Telemetry {
    connection_string: Arc<str>,
    store: Arc<Store>,
}

/// An item that violates the documented schema.
#[derive(Clone, Debug)]
pub struct Rejection {
    /// What is wrong with the item.
    pub reason: String,
    /// The item as it was sent.
    pub item: String,
}

impl AppInsights {
    /// Starts an endpoint for one instrumentation key, on a free port.
    ///
    /// # Errors
    /// If no port can be opened.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let key = Uuid::new_v4();
        let address = listener.local_addr()?;
        let connection_string =
            format!("InstrumentationKey={key};IngestionEndpoint=http://{address}/").into();
        let store = Arc::new(Store::new(key));
        let serving = tokio::spawn(server::serve(listener, Arc::clone(&store)));
        Ok(Self { telemetry: Telemetry { connection_string, store }, serving })
    }

    /// The value of `APPLICATIONINSIGHTS_CONNECTION_STRING` for senders.
    pub fn connection_string(&self) -> &str {
        self.telemetry.connection_string()
    }

    /// The received telemetry, for a page that shows it.
    pub fn telemetry(&self) -> &Telemetry {
        &self.telemetry
    }

    /// The newest items in order of arrival, at most [`ITEMS_MAX`].
    pub fn items(&self) -> Vec<Arc<Item>> {
        self.telemetry.items()
    }

    /// The rejected items in order of arrival.
    pub fn rejected(&self) -> Vec<Rejection> {
        self.telemetry.rejected()
    }

    /// Waits until the items meet a condition; returns whether that happened within the limit.
    pub async fn until(
        &self,
        mut condition: impl FnMut(&[Arc<Item>]) -> bool,
        limit: Duration,
    ) -> bool {
        let mut revision = self.telemetry.store.revision();
        let met = revision.wait_for(|_| condition(&self.items()));
        tokio::time::timeout(limit, met).await.is_ok_and(|met| met.is_ok())
    }

    /// Sets or clears a fault for every request.
    pub fn fail(&self, fault: Option<Fault>) {
        self.telemetry.store.fail(fault);
    }

    /// The number of requests that a fault has affected.
    pub fn fault_count(&self) -> usize {
        self.telemetry.store.fault_count()
    }
}

impl Drop for AppInsights {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Telemetry {
    /// The value of `APPLICATIONINSIGHTS_CONNECTION_STRING` for senders.
    pub fn connection_string(&self) -> &str {
        &self.connection_string
    }

    /// As [`AppInsights::items`].
    pub fn items(&self) -> Vec<Arc<Item>> {
        self.store.items()
    }

    /// As [`AppInsights::rejected`].
    pub fn rejected(&self) -> Vec<Rejection> {
        self.store.rejected()
    }

    /// An opaque version, usable as an entity tag: it changes with every item received and differs
    /// from that of every other endpoint.
    pub fn version(&self) -> String {
        format!("{}-{}", self.store.key.simple(), *self.store.revision().borrow())
    }
}

impl fmt::Debug for Telemetry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Telemetry").finish_non_exhaustive()
    }
}

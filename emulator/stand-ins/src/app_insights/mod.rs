//! Application Insights: takes telemetry as Azure's ingestion endpoint does, and keeps it.
//!
//! It is stricter than Azure where Azure would cut texts short or drop items without a word.

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
pub(crate) use reporter::{Begun, Reporter};
use store::Store;

/// How many items are kept, the newest ones.
pub const ITEMS_MAX: usize = 5000;

/// A running ingestion endpoint; dropping it closes it.
#[derive(Debug)]
pub struct AppInsights {
    telemetry: Telemetry,
    serving: JoinHandle<()>,
}

/// What an endpoint has received.
#[derive(Clone)]
pub struct Telemetry {
    connection_string: Arc<str>,
    store: Arc<Store>,
}

/// An item that is not as documented.
#[derive(Clone, Debug)]
pub struct Rejection {
    /// What is wrong with it.
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

    /// The value of `APPLICATIONINSIGHTS_CONNECTION_STRING` for whoever sends telemetry.
    pub fn connection_string(&self) -> &str {
        self.telemetry.connection_string()
    }

    /// What it has received, for a page that shows it.
    pub fn telemetry(&self) -> &Telemetry {
        &self.telemetry
    }

    /// The newest items in the order in which they arrived, [`ITEMS_MAX`] at most.
    pub fn items(&self) -> Vec<Arc<Item>> {
        self.telemetry.items()
    }

    /// The items that were not as documented, in the order in which they arrived.
    pub fn rejected(&self) -> Vec<Rejection> {
        self.telemetry.rejected()
    }

    /// Waits until the items are what one waits for, and says whether that happened in time.
    pub async fn until(
        &self,
        mut is_enough: impl FnMut(&[Arc<Item>]) -> bool,
        limit: Duration,
    ) -> bool {
        let mut revision = self.telemetry.store.revision();
        let met = revision.wait_for(|_| is_enough(&self.items()));
        tokio::time::timeout(limit, met).await.is_ok_and(|met| met.is_ok())
    }

    /// Makes every request fail, or ends that.
    pub fn fail(&self, fault: Option<Fault>) {
        self.telemetry.store.fail(fault);
    }

    /// How many requests have met with a fault.
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
    /// Where it is received: the value of `APPLICATIONINSIGHTS_CONNECTION_STRING`.
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

    /// A text without spaces or quotes that changes whenever something is received, and that no
    /// other endpoint has.
    pub fn version(&self) -> String {
        format!("{}-{}", self.store.key.simple(), *self.store.revision().borrow())
    }
}

impl fmt::Debug for Telemetry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Telemetry").finish_non_exhaustive()
    }
}

//! Injects errors into a real server with MongoDB's `failCommand` fail point.

use mongodb::Client;
use mongodb::bson::{Bson, Document, doc};
use mongodb::error::Error;
use tokio::sync::{Mutex, MutexGuard};

/// The error code of Cosmos DB when it throttles.
const REQUEST_RATE_TOO_LARGE: i32 = 16500;

/// The commands that Cosmos DB throttles.
const THROTTLED: [&str; 6] = ["find", "insert", "update", "findAndModify", "delete", "aggregate"];

/// A server has one such fail point, so the tests of a process take turns.
static TURN: Mutex<()> = Mutex::const_new(());

/// Commands fail until this is cleared or dropped.
#[derive(Debug)]
#[must_use = "dropping it switches the fail point off"]
pub struct FailPoint {
    connection_string: String,
    is_set: bool,
    _turn: MutexGuard<'static, ()>,
}

/// Makes the commands of clients with this `appName` fail as described by `data`; other clients are
/// not affected.
///
/// `data` is that of `failCommand`, for example `doc! { "failCommands": ["insert"], "errorCode":
/// 16500 }`, with one addition: `mode` is how often, as in `doc! { "times": 2 }`; without it, every
/// such command fails. The call waits while another test of the process has a fail point set.
///
/// # Panics
/// If the server cannot be reached, or was started without test commands.
pub async fn fail_commands(
    connection_string: &str,
    app_name: &str,
    mut data: Document,
) -> FailPoint {
    let turn = TURN.lock().await;
    let mode = data.remove("mode").unwrap_or_else(|| Bson::from("alwaysOn"));
    data.insert("appName", app_name);
    let command = doc! { "configureFailPoint": "failCommand", "mode": mode, "data": data };
    run(connection_string, command)
        .await
        .expect("the server is there and has its test commands enabled");
    FailPoint { connection_string: connection_string.to_owned(), is_set: true, _turn: turn }
}

impl FailPoint {
    /// Lets commands succeed again.
    ///
    /// # Panics
    /// If the server cannot be reached.
    pub async fn clear(mut self) {
        self.is_set = false;
        run(&self.connection_string, switched_off())
            .await
            .expect("the server that took the fail point takes it back");
    }
}

/// Clears the fail point after a failed test, for the tests after it.
impl Drop for FailPoint {
    fn drop(&mut self) {
        if !self.is_set {
            return;
        }
        let connection_string = std::mem::take(&mut self.connection_string);
        // The test's own runtime may be running this destructor.
        let switching_off = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime
                .map(|runtime| runtime.block_on(run(&connection_string, switched_off())).is_ok())
                .unwrap_or(false)
        });
        if !switching_off.join().unwrap_or(false) {
            eprintln!("a fail point remains set: the server cannot be reached");
        }
    }
}

/// Makes every command on documents of every client fail with the throttling error of Cosmos DB,
/// until [`stop_throttling`].
///
/// # Errors
/// If the server cannot be reached, or was started without test commands.
pub async fn throttle(connection_string: &str) -> Result<(), Error> {
    let data = doc! { "failCommands": THROTTLED.to_vec(), "errorCode": REQUEST_RATE_TOO_LARGE };
    let command = doc! { "configureFailPoint": "failCommand", "mode": "alwaysOn", "data": data };
    run(connection_string, command).await
}

/// Lets commands succeed again.
///
/// # Errors
/// If the server cannot be reached.
pub async fn stop_throttling(connection_string: &str) -> Result<(), Error> {
    run(connection_string, switched_off()).await
}

fn switched_off() -> Document {
    doc! { "configureFailPoint": "failCommand", "mode": "off" }
}

async fn run(connection_string: &str, command: Document) -> Result<(), Error> {
    let client = Client::with_uri_str(connection_string).await?;
    client.database("admin").run_command(command).await?;
    Ok(())
}

//! A real mongod: started on a free port, broken on purpose, removed afterwards.
//!
//! Tests use a real server instead of a double, since they are about duplicate keys, lost replies
//! and the driver's reconnecting. [`for_tests`] returns one server per test process; [`Mongod`] is
//! a server that may be killed; [`fail_commands`] injects errors; [`Proxy`] loses replies between
//! client and server.

mod collections;
mod data_folder;
mod disturbance;
mod error;
mod fail_point;
mod find;
mod held;
mod mongod;
mod proxy;
mod spawn;
mod user;
mod wire;

use tokio::sync::OnceCell;

pub use collections::{CollectionPlan, Index, create_collections};
pub use disturbance::Disturbance;
pub use error::MongodError;
pub use fail_point::{FailPoint, fail_commands, stop_throttling, throttle};
pub use held::Held;
pub use mongod::{Mongod, MongodOptions};
pub use proxy::Proxy;
pub use user::{Credentials, Users};

/// A connection string for tests, of a server with test commands enabled.
///
/// It is `MONGO_CONNECTION_STRING` if that is set and not empty, else that of one mongod for the
/// whole test process, started on first use and removed when the process ends. Tests that must not
/// see each other's data use databases of their own.
///
/// # Panics
/// If no server can be started.
pub async fn for_tests() -> String {
    // Each test has its own runtime, so nothing in here may depend on the first test's.
    static SERVER: OnceCell<Mongod> = OnceCell::const_new();
    if let Some(connection_string) = given_connection_string() {
        return connection_string;
    }
    let options = MongodOptions { test_commands: true, ..MongodOptions::default() };
    let server = SERVER.get_or_try_init(|| Mongod::start(options)).await;
    match server {
        Ok(server) => server.connection_string(),
        Err(error) => panic!("tests need a MongoDB: {error}"),
    }
}

/// The connection string in `MONGO_CONNECTION_STRING`, if the developer has set one.
#[expect(
    clippy::disallowed_methods,
    reason = "which server to use is the developer's choice for this run, not a setting of an app"
)]
pub fn given_connection_string() -> Option<String> {
    std::env::var("MONGO_CONNECTION_STRING")
        .ok()
        .filter(|connection_string| !connection_string.is_empty())
}

/// Adds an option, such as `appName` or `journal`, to a connection string.
pub fn with_option(connection_string: &str, name: &str, value: &str) -> String {
    let separator = match connection_string.split_once("://") {
        Some((_, rest)) if rest.contains('?') => "&",
        Some((_, rest)) if rest.contains('/') => "?",
        _ => "/?",
    };
    format!("{connection_string}{separator}{name}={value}")
}

#[cfg(test)]
mod tests {
    use super::with_option;

    #[test]
    fn an_option_is_added_to_any_connection_string() {
        for (before, after) in [
            ("mongodb://db", "mongodb://db/?appName=me"),
            ("mongodb://db/", "mongodb://db/?appName=me"),
            ("mongodb://db/?ssl=true", "mongodb://db/?ssl=true&appName=me"),
        ] {
            assert_eq!(with_option(before, "appName", "me"), after);
        }
    }
}

//! A real mongod of one's own: started on a free port, broken on purpose, gone afterwards.
//!
//! Tests use a real server instead of a double, since duplicate keys, lost answers and the
//! driver's reconnecting are what they are about. [`for_tests`] hands out one server for a test
//! process; [`Mongod`] is a server that may be killed; [`fail_commands`] makes a server answer
//! with errors; [`Proxy`] loses answers between client and server.

mod collections;
mod data_folder;
mod error;
mod fail_point;
mod find;
mod mongod;
mod proxy;
mod spawn;
mod user;
mod wire;

use tokio::sync::OnceCell;

pub use collections::{CollectionPlan, create_collections};
pub use error::MongodError;
pub use fail_point::{FailPoint, fail_commands, stop_throttling, throttle};
pub use mongod::{Mongod, MongodOptions};
pub use proxy::Proxy;
pub use user::{Credentials, Users};

/// A connection string for tests, with test commands enabled on the server.
///
/// It is `MONGO_CONNECTION_STRING` if that is set and not empty, else that of one mongod for
/// the whole test process, started on first use and gone when the process ends, however it
/// ends. Tests that must not see each other's data use databases of their own.
///
/// # Panics
/// If no server can be started: no test could say anything then.
pub async fn for_tests() -> String {
    // Each test has its own runtime, so nothing in here may be tied to the one that came first.
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

/// The database that the developer wants used instead of one of our own.
#[expect(
    clippy::disallowed_methods,
    reason = "which server to use is the developer's choice for this run, not a setting of an app"
)]
pub fn given_connection_string() -> Option<String> {
    std::env::var("MONGO_CONNECTION_STRING")
        .ok()
        .filter(|connection_string| !connection_string.is_empty())
}

/// The connection string with one more option, such as `appName` or `journal`.
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

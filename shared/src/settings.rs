//! Settings: read from a source of strings, checked all at once.
//!
//! This module is the one place that knows the process environment. Nobody sets process
//! variables: tests hand over a source of their own.

use std::collections::BTreeMap;
use std::str::FromStr;

use mongodb::options::ConnectionString;

use crate::Secret;

pub use tracing_subscriber::filter::Targets as LogFilter;

/// Looks a setting up by name.
pub type Source<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The process environment: app settings arrive as variables (functions-host-contract.md, 1.2).
pub fn environment(name: &str) -> Option<String> {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the environment"
    )]
    std::env::var(name).ok()
}

/// Every mistake in the settings, by setting.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(|(name, mistake)| format!("{name} {mistake}")).collect::<Vec<_>>().join("; "))]
pub struct SettingsError(BTreeMap<String, &'static str>);

/// Reads settings and collects the mistakes.
pub struct Reader<'a> {
    source: Source<'a>,
    mistakes: BTreeMap<String, &'static str>,
}

impl<'a> Reader<'a> {
    /// A reader of this source.
    pub fn new(source: Source<'a>) -> Self {
        Self { source, mistakes: BTreeMap::new() }
    }

    /// Reads a setting that must be there; `parse` says what is wrong with it.
    pub fn required<T>(
        &mut self,
        name: &str,
        parse: impl FnOnce(String) -> Result<T, &'static str>,
    ) -> Option<T> {
        match (self.source)(name).filter(|value| !value.trim().is_empty()) {
            Some(value) => self.noted(name, parse(value)),
            None => self.noted(name, Err("is missing")),
        }
    }

    /// The port at which the host expects us.
    pub fn port(&mut self) -> Option<u16> {
        self.required("FUNCTIONS_CUSTOMHANDLER_PORT", |value| {
            value.parse().map_err(|_| "is not a port number; the Functions host sets it")
        })
    }

    /// A `MongoDB` connection string and the name of the database in it.
    pub fn mongo(&mut self, database_setting: &str) -> Option<MongoSettings> {
        let connection_string = self.required("MONGO_CONNECTION_STRING", |value| {
            match ConnectionString::parse(&value) {
                Ok(_) => Ok(Secret::new(value)),
                Err(_) => Err("is not a MongoDB connection string"),
            }
        });
        let database = self.required(database_setting, database_name);
        Some(MongoSettings { connection_string: connection_string?, database: database? })
    }

    /// The log filter in `RUST_LOG`; info where it says nothing.
    pub fn log_filter(&mut self) -> Option<LogFilter> {
        let filter = (self.source)("RUST_LOG").unwrap_or_else(|| "info".to_owned());
        let parsed = LogFilter::from_str(&filter)
            .map_err(|_| "is not a log filter like info or shared=debug,warn");
        self.noted("RUST_LOG", parsed)
    }

    /// The settings that `build` makes, unless there were mistakes.
    ///
    /// # Errors
    /// All mistakes at once.
    pub fn finish<T>(self, settings: Option<T>) -> Result<T, SettingsError> {
        match settings {
            Some(settings) if self.mistakes.is_empty() => Ok(settings),
            Some(_) | None => Err(SettingsError(self.mistakes)),
        }
    }

    fn noted<T>(&mut self, name: &str, result: Result<T, &'static str>) -> Option<T> {
        result.map_err(|mistake| self.mistakes.insert(name.to_owned(), mistake)).ok()
    }
}

/// Where documents are stored.
#[derive(Clone, Debug)]
pub struct MongoSettings {
    /// The connection string; it holds a password.
    pub connection_string: Secret,
    /// The database's name.
    pub database: String,
}

/// `MongoDB` allows neither more than 63 bytes nor these characters in a database's name.
fn database_name(name: String) -> Result<String, &'static str> {
    if name.len() > 63
        || name.contains(['/', '\\', '.', ' ', '"', '$', '*', '<', '>', ':', '|', '?', '\0'])
    {
        return Err("is not a database name");
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[(&str, &str)]) -> Result<(u16, MongoSettings, LogFilter), SettingsError> {
        let source = |name: &str| {
            values
                .iter()
                .find(|(candidate, _)| *candidate == name)
                .map(|(_, value)| (*value).to_owned())
        };
        let mut reader = Reader::new(&source);
        let (port, mongo, filter) =
            (reader.port(), reader.mongo("SOME_DATABASE"), reader.log_filter());
        reader.finish((|| Some((port?, mongo?, filter?)))())
    }

    #[test]
    fn good_settings_are_read() {
        let (port, mongo, _) = read(&[
            ("FUNCTIONS_CUSTOMHANDLER_PORT", "7001"),
            ("MONGO_CONNECTION_STRING", "mongodb://user:secret@localhost:27017/?ssl=true"),
            ("SOME_DATABASE", "things"),
        ])
        .unwrap();

        assert_eq!(port, 7001);
        assert_eq!(mongo.database, "things");
        assert!(!format!("{mongo:?}").contains("secret"));
    }

    #[test]
    fn all_mistakes_are_reported_at_once_and_without_values() {
        let mistakes = read(&[
            ("FUNCTIONS_CUSTOMHANDLER_PORT", "seventy"),
            ("MONGO_CONNECTION_STRING", "postgres://user:secret@localhost"),
            ("SOME_DATABASE", "  "),
            ("RUST_LOG", "shared=loud"),
        ])
        .unwrap_err();

        assert_eq!(
            mistakes.to_string(),
            "FUNCTIONS_CUSTOMHANDLER_PORT is not a port number; the Functions host sets it; \
             MONGO_CONNECTION_STRING is not a MongoDB connection string; \
             RUST_LOG is not a log filter like info or shared=debug,warn; \
             SOME_DATABASE is missing"
        );
    }

    #[test]
    fn a_database_name_that_mongodb_refuses_is_a_mistake() {
        for name in ["a/b", "a.b", "$a", "a b", &"x".repeat(64)] {
            assert!(database_name(name.to_owned()).is_err(), "{name}");
        }
        assert!(database_name("patient-tests".to_owned()).is_ok());
    }
}

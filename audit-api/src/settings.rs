//! The settings of this app.

use shared::settings::{LogFilter, MongoSettings, Reader, SettingsError, Source};

/// What the app needs to know of its surroundings.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The loopback port at which the Functions host expects us.
    pub port: u16,
    /// Which log lines are written.
    pub log_filter: LogFilter,
    /// Where audit records are stored.
    pub mongo: MongoSettings,
}

impl Settings {
    /// Reads all settings.
    ///
    /// # Errors
    /// Every mistake at once, each with the name of its setting.
    pub fn load(source: Source<'_>) -> Result<Self, SettingsError> {
        let mut reader = Reader::new(source);
        let port = reader.port();
        let log_filter = reader.log_filter();
        let mongo = reader.mongo("AUDIT_DATABASE");
        let settings = (|| Some(Self { port: port?, log_filter: log_filter?, mongo: mongo? }))();
        reader.finish(settings)
    }
}

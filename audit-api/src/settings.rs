//! The settings of this app.

use shared::secrets::KeyVaultSettings;
use shared::setting::{self, Default, Setting};
use shared::settings::{Certificate, MongoSettings, Reader, SettingsError, Source};
use shared::telemetry::TelemetrySettings;

/// The settings of this app alone.
const OWN: [Setting; 1] = [Setting {
    name: "AUDIT_DATABASE",
    app: "audit-api",
    is_secret: false,
    default: Default::Required,
    meaning: "Database with the audit records.",
}];

/// Writes the list of this app's settings to standard output as JSON.
///
/// # Errors
/// If standard output is closed.
pub fn print() -> std::io::Result<()> {
    setting::print(&OWN)
}

/// The configuration of the app.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The loopback port on which the Functions host expects the app.
    pub port: u16,
    /// The configuration of logs and Application Insights.
    pub telemetry: TelemetrySettings,
    /// The database of the audit records.
    pub mongo: MongoSettings,
    /// The configuration of Key Vault.
    pub key_vault: KeyVaultSettings,
    /// Certificate authorities to trust in addition to the system's.
    pub trusted_certificates: Vec<Certificate>,
}

impl Settings {
    /// Reads all settings.
    ///
    /// # Errors
    /// All errors at once, each with the name of its setting.
    pub fn load(source: Source<'_>) -> Result<Self, SettingsError> {
        let mut reader = Reader::new(source);
        let port = reader.port();
        let telemetry = reader.telemetry();
        let mongo = reader.mongo("AUDIT_DATABASE");
        let key_vault = reader.key_vault();
        let trusted_certificates = reader.trusted_certificates();
        let settings = (|| {
            Some(Self {
                port: port?,
                telemetry: telemetry?,
                mongo: mongo?,
                key_vault: key_vault?,
                trusted_certificates: trusted_certificates?,
            })
        })();
        reader.finish(settings)
    }
}

//! The settings of this app.

use shared::secrets::KeyVaultSettings;
use shared::settings::{Certificate, MongoSettings, Reader, SettingsError, Source};
use shared::telemetry::TelemetrySettings;

/// What the app needs to know of its surroundings.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The loopback port at which the Functions host expects us.
    pub port: u16,
    /// What is logged and sent to Application Insights.
    pub telemetry: TelemetrySettings,
    /// Where audit records are stored.
    pub mongo: MongoSettings,
    /// How secrets are read that Key Vault holds.
    pub key_vault: KeyVaultSettings,
    /// Authorities whose certificates are accepted beside those that the system trusts.
    pub trusted_certificates: Vec<Certificate>,
}

impl Settings {
    /// Reads all settings.
    ///
    /// # Errors
    /// Every mistake at once, each with the name of its setting.
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

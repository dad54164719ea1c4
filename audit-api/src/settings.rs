//! The settings of this app.

use shared::secrets::KeyVaultSettings;
use shared::setting::{self, Default, Setting};
use shared::settings::{Certificate, MongoSettings, Reader, SettingsError, Source};
use shared::telemetry::TelemetrySettings;

/// The settings that only this app has.
pub(crate) const OWN: [Setting; 1] = [Setting {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_has_every_setting_that_is_read_and_no_other() {
        let asked = std::cell::RefCell::new(std::collections::BTreeSet::new());
        let source = |name: &str| {
            asked.borrow_mut().insert(name.to_owned());
            // So that what depends on it is read too.
            let insights = name == "APPLICATIONINSIGHTS_CONNECTION_STRING";
            insights.then(|| "InstrumentationKey=00000000-0000-0000-0000-000000000001".to_owned())
        };
        let _ = Settings::load(&source);

        let mut listed = std::collections::BTreeSet::new();
        for setting in setting::COMMON.iter().chain(&OWN) {
            listed.insert(setting.name.to_owned());
            if setting.is_secret {
                listed.insert(format!("{}_SECRET_URI", setting.name));
            }
        }
        assert_eq!(asked.into_inner(), listed);
    }
}

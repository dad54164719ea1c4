//! The settings of this app.

use reqwest::Url;
use shared::secrets::{KeyVaultSettings, SecretSetting};
use shared::settings::{Certificate, MongoSettings, Reader, SettingsError, Source};
use shared::telemetry::TelemetrySettings;

/// What the app needs to know of its surroundings.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The loopback port at which the Functions host expects us.
    pub port: u16,
    /// What is logged and sent to Application Insights.
    pub telemetry: TelemetrySettings,
    /// Where patients and tests are stored.
    pub mongo: MongoSettings,
    /// The audit register. There is no way to do without.
    pub audit: AuditSettings,
    /// How secrets are read that Key Vault holds.
    pub key_vault: KeyVaultSettings,
    /// Authorities whose certificates are accepted beside those that the system trusts.
    pub trusted_certificates: Vec<Certificate>,
}

/// Where the audit register is, and our key to it.
#[derive(Clone, Debug)]
pub struct AuditSettings {
    /// The full URL of `CreateAuditRecord`.
    pub url: Url,
    /// The function key that the Audit API's host accepts.
    pub key: SecretSetting,
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
        let mongo = reader.mongo("PATIENT_TESTS_DATABASE");
        let url = reader.required("AUDIT_API_URL", http_url);
        let key = reader.secret("AUDIT_API_KEY", header_value);
        let key_vault = reader.key_vault();
        let trusted_certificates = reader.trusted_certificates();
        let settings = (|| {
            Some(Self {
                port: port?,
                telemetry: telemetry?,
                mongo: mongo?,
                audit: AuditSettings { url: url?, key: key? },
                key_vault: key_vault?,
                trusted_certificates: trusted_certificates?,
            })
        })();
        reader.finish(settings)
    }
}

fn http_url(value: String) -> Result<Url, &'static str> {
    let wrong = "is not an http or https URL";
    let url = Url::parse(&value).map_err(|_| wrong)?;
    if matches!(url.scheme(), "http" | "https") { Ok(url) } else { Err(wrong) }
}

fn header_value(value: &str) -> Result<(), &'static str> {
    if value.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(())
    } else {
        Err("is not a key: it has blanks or characters that a header cannot carry")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_an_audit_register_there_are_no_settings() {
        let source = |name: &str| match name {
            "FUNCTIONS_CUSTOMHANDLER_PORT" => Some("7001".to_owned()),
            "MONGO_CONNECTION_STRING" => Some("mongodb://localhost".to_owned()),
            "PATIENT_TESTS_DATABASE" => Some("patient-tests".to_owned()),
            "AUDIT_API_KEY" => Some("two words".to_owned()),
            _ => None,
        };

        assert_eq!(
            Settings::load(&source).unwrap_err().to_string(),
            "AUDIT_API_KEY is not a key: it has blanks or characters that a header cannot carry; \
             AUDIT_API_URL is missing"
        );
    }

    #[test]
    fn the_audit_key_does_not_show_in_debug_output() {
        let source = |name: &str| match name {
            "FUNCTIONS_CUSTOMHANDLER_PORT" => Some("7001".to_owned()),
            "MONGO_CONNECTION_STRING" => Some("mongodb://user:mongo-password@localhost".to_owned()),
            "PATIENT_TESTS_DATABASE" => Some("patient-tests".to_owned()),
            "AUDIT_API_URL" => Some("http://127.0.0.1:7072/api/auditrecord".to_owned()),
            "AUDIT_API_KEY" => Some("audit-key".to_owned()),
            _ => None,
        };
        let printed = format!("{:?}", Settings::load(&source).unwrap());

        assert!(!printed.contains("audit-key") && !printed.contains("mongo-password"), "{printed}");
    }
}

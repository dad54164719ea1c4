//! The settings of this app.

use reqwest::Url;
use shared::secrets::{KeyVaultSettings, SecretSetting};
use shared::setting::{self, Default, Setting};
use shared::settings::{Certificate, MongoSettings, Reader, SettingsError, Source};
use shared::telemetry::TelemetrySettings;

use crate::ids::AuditRecordId;

/// The settings of this app alone.
const OWN: [Setting; 5] = [
    Setting {
        name: "PATIENT_TESTS_DATABASE",
        app: "patient-tests-api",
        is_secret: false,
        default: Default::Required,
        meaning: "Database with the patients and tests.",
    },
    Setting {
        name: "AUDIT_API_URL",
        app: "patient-tests-api",
        is_secret: false,
        default: Default::Required,
        meaning: "Full URL of `CreateAuditRecord`, such as `https://HOST/api/auditrecord`. Auditing cannot be switched off.",
    },
    Setting {
        name: "AUDIT_API_KEY",
        app: "patient-tests-api",
        is_secret: true,
        default: Default::Required,
        meaning: "Writing key: function key of the Audit API's `CreateAuditRecord`, `CreateAuditRecords` and `Health`.",
    },
    Setting {
        name: "AUDIT_API_READING_KEY",
        app: "patient-tests-api",
        is_secret: true,
        default: Default::Required,
        meaning: "Reading key: function key of the Audit API's `SearchAuditRecords` and `LoadAuditRecord`.",
    },
    Setting {
        name: "PURPOSE_OF_USE",
        app: "patient-tests-api",
        is_secret: false,
        default: Default::Is("recorded"),
        meaning: "`recorded`: a request may have the header `X-Purpose-Of-Use`. `required`: every request but those for `/health` has it.",
    },
];

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
    /// The database of patients and tests.
    pub mongo: MongoSettings,
    /// The audit register. Auditing cannot be switched off.
    pub audit: AuditSettings,
    /// Whether requests have a purpose.
    pub purpose_of_use: PurposeOfUse,
    /// The configuration of Key Vault.
    pub key_vault: KeyVaultSettings,
    /// Certificate authorities to trust in addition to the system's.
    pub trusted_certificates: Vec<Certificate>,
}

/// Whether requests have a purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PurposeOfUse {
    /// They may; it is recorded.
    Recorded,
    /// They must.
    Required,
}

/// The location of the audit register, and our keys to it.
#[derive(Clone, Debug)]
pub struct AuditSettings {
    /// The URLs of its functions.
    pub urls: AuditUrls,
    /// The writing key: it is valid for `records` and `health`.
    pub key: SecretSetting,
    /// The reading key: it is valid for `search`.
    pub reading_key: SecretSetting,
}

/// The full URLs of the register's functions.
#[derive(Clone, Debug)]
pub struct AuditUrls {
    /// The URL of `CreateAuditRecord`, as set.
    pub records: Url,
    /// The URL of `SearchAuditRecords` in the same app.
    pub search: Url,
    /// The URL of `Health` in the same app.
    pub health: Url,
}

impl AuditUrls {
    /// The URL of `LoadAuditRecord` for this record in the same app.
    pub(crate) fn record(&self, id: AuditRecordId) -> Url {
        let mut url = self.search.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop().push(&id.to_string());
        }
        url
    }
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
        let mongo = reader.mongo("PATIENT_TESTS_DATABASE");
        let urls = reader.required("AUDIT_API_URL", audit_urls);
        let key = reader.secret("AUDIT_API_KEY", header_value);
        let reading_key = reader.secret("AUDIT_API_READING_KEY", header_value);
        let purpose_of_use =
            reader.with_default("PURPOSE_OF_USE", PurposeOfUse::Recorded, purpose_of_use);
        let key_vault = reader.key_vault();
        let trusted_certificates = reader.trusted_certificates();
        let settings = (|| {
            Some(Self {
                port: port?,
                telemetry: telemetry?,
                mongo: mongo?,
                audit: AuditSettings { urls: urls?, key: key?, reading_key: reading_key? },
                purpose_of_use: purpose_of_use?,
                key_vault: key_vault?,
                trusted_certificates: trusted_certificates?,
            })
        })();
        reader.finish(settings)
    }
}

fn audit_urls(value: String) -> Result<AuditUrls, &'static str> {
    let records = http_url(&value)?;
    let wrong = "is not the URL of CreateAuditRecord, like https://HOST/api/auditrecord";
    let search = relative(&records, "search").ok_or(wrong)?;
    let health = relative(&records, "../health").ok_or(wrong)?;
    Ok(AuditUrls { records, search, health })
}

fn http_url(value: &str) -> Result<Url, &'static str> {
    let wrong = "is not an http or https URL";
    let url = Url::parse(value).map_err(|_| wrong)?;
    if matches!(url.scheme(), "http" | "https") { Ok(url) } else { Err(wrong) }
}

/// The URL of another function in the same app, at this path below `function`; `None` if that
/// cannot be a function's URL. Its query is dropped, since a key in it is for that function alone.
fn relative(function: &Url, path: &str) -> Option<Url> {
    let mut url = function.clone();
    url.set_query(None);
    url.set_fragment(None);
    url.path_segments().filter(|segments| segments.clone().any(|segment| !segment.is_empty()))?;
    url.path_segments_mut().ok()?.pop_if_empty().push("");
    url.join(path).ok()
}

fn purpose_of_use(value: &str) -> Result<PurposeOfUse, &'static str> {
    match value {
        "recorded" => Ok(PurposeOfUse::Recorded),
        "required" => Ok(PurposeOfUse::Required),
        _ => Err("is neither recorded nor required"),
    }
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
            "AUDIT_API_READING_KEY" => Some("ümlaut".to_owned()),
            _ => None,
        };

        assert_eq!(
            Settings::load(&source).unwrap_err().to_string(),
            "AUDIT_API_KEY is not a key: it has blanks or characters that a header cannot carry; \
             AUDIT_API_READING_KEY is not a key: it has blanks or characters that a header cannot \
             carry; AUDIT_API_URL is missing"
        );
    }

    #[test]
    fn the_registers_other_functions_are_found_from_the_one_that_is_set() {
        for (set, base, route) in [
            ("http://127.0.0.1:7072/api/auditrecord", "http://127.0.0.1:7072/api", "auditrecord"),
            ("https://audit.example/api/AuditRecord/", "https://audit.example/api", "AuditRecord"),
            ("https://audit.example/auditrecord?code=k#x", "https://audit.example", "auditrecord"),
        ] {
            let urls = audit_urls(set.to_owned()).unwrap();

            assert_eq!(urls.health.as_str(), format!("{base}/health"), "{set}");
            assert_eq!(urls.search.as_str(), format!("{base}/{route}/search"), "{set}");
        }
        for none in
            ["https://audit.example", "https://audit.example/", "https://audit.example//?a=b"]
        {
            assert_eq!(
                audit_urls(none.to_owned()).unwrap_err(),
                "is not the URL of CreateAuditRecord, like https://HOST/api/auditrecord",
                "{none}"
            );
        }
    }

    #[test]
    fn no_audit_key_shows_in_debug_output() {
        let source = |name: &str| match name {
            "FUNCTIONS_CUSTOMHANDLER_PORT" => Some("7001".to_owned()),
            "MONGO_CONNECTION_STRING" => Some("mongodb://user:mongo-password@localhost".to_owned()),
            "PATIENT_TESTS_DATABASE" => Some("patient-tests".to_owned()),
            "AUDIT_API_URL" => Some("http://127.0.0.1:7072/api/auditrecord".to_owned()),
            "AUDIT_API_KEY" => Some("writing-audit-key".to_owned()),
            "AUDIT_API_READING_KEY" => Some("reading-audit-key".to_owned()),
            _ => None,
        };
        let printed = format!("{:?}", Settings::load(&source).unwrap());

        assert!(!printed.contains("audit-key") && !printed.contains("mongo-password"), "{printed}");
    }
}

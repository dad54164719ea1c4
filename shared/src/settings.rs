//! Reads all settings and reports all errors at once.
//!
//! Only this module reads the process environment. Nothing sets environment variables: tests pass a
//! source of their own.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::time::Duration;

use mongodb::options::ConnectionString;
use opentelemetry_application_insights::Exporter;
use reqwest::Url;
use uuid::Uuid;

use crate::secrets::{
    Identity, KeyVaultSettings, Secret, SecretReference, SecretSetting, SecretSource, Validator,
};
use crate::telemetry::{ExportSettings, TelemetrySettings};

pub use reqwest::Certificate;
pub use tracing_subscriber::filter::Targets as LogFilter;

/// How often secrets are read again; a refused secret is read again at once.
const REFRESH_INTERVAL_DEFAULT: Duration = Duration::from_secs(15 * 60);

/// The Azure SDK logs every request at info; this code logs what matters itself.
const LOG_FILTER_DEFAULT: &str = "info,azure_identity=warn,typespec_client_core=warn";

/// Looks up a setting by name.
pub type Source<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The process environment: app settings arrive as variables (`docs/functions-host.md`).
pub fn environment(name: &str) -> Option<String> {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the environment"
    )]
    std::env::var(name).ok()
}

/// All errors in the settings, by setting.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(|(name, mistake)| format!("{name} {mistake}")).collect::<Vec<_>>().join("; "))]
pub struct SettingsError(BTreeMap<String, &'static str>);

/// Reads settings and collects the errors.
pub struct Reader<'a> {
    source: Source<'a>,
    mistakes: BTreeMap<String, &'static str>,
}

impl<'a> Reader<'a> {
    /// A reader for this source.
    pub fn new(source: Source<'a>) -> Self {
        Self { source, mistakes: BTreeMap::new() }
    }

    /// Reads a required setting; `parse` returns what is wrong with it.
    pub fn required<T>(
        &mut self,
        name: &str,
        parse: impl FnOnce(String) -> Result<T, &'static str>,
    ) -> Option<T> {
        match self.optional(name) {
            Some(value) => self.checked(name, parse(value)),
            None => self.checked(name, Err("is missing")),
        }
    }

    /// Reads a setting that may be missing; `parse` returns what is wrong with it.
    pub fn with_default<T>(
        &mut self,
        name: &str,
        default: T,
        parse: impl FnOnce(&str) -> Result<T, &'static str>,
    ) -> Option<T> {
        match self.optional(name) {
            Some(value) => self.checked(name, parse(&value)),
            None => Some(default),
        }
    }

    /// The port on which the host expects the app.
    pub fn port(&mut self) -> Option<u16> {
        self.required("FUNCTIONS_CUSTOMHANDLER_PORT", |value| {
            value.parse().map_err(|_| "is not a port number; the Functions host sets it")
        })
    }

    /// A `MongoDB` connection string and the name of the database in it.
    pub fn mongo(&mut self, database_setting: &str) -> Option<MongoSettings> {
        let connection_string = self.secret("MONGO_CONNECTION_STRING", connection_string);
        let database = self.required(database_setting, database_name);
        Some(MongoSettings { connection_string: connection_string?, database: database? })
    }

    /// A secret: its value or an `@Microsoft.KeyVault(…)` in the setting `name`, or its URI in
    /// `<name>_SECRET_URI`. `validator` checks the value, now and after each rotation.
    pub fn secret(&mut self, name: &'static str, validator: Validator) -> Option<SecretSetting> {
        let uri_name = format!("{name}_SECRET_URI");
        let source = match (self.optional(name), self.optional(&uri_name)) {
            (Some(_), Some(_)) => {
                self.checked(&uri_name, Err("is set, and so is the value itself"))
            }
            (Some(value), None) => self.checked(name, literal_or_reference(value, validator)),
            (None, Some(uri)) => {
                self.checked(&uri_name, SecretReference::from_uri(&uri).map(SecretSource::KeyVault))
            }
            (None, None) => self.checked(name, Err("is missing, and so is its Key Vault URI")),
        };
        Some(SecretSetting { name, source: source?, validator })
    }

    /// The configuration of Key Vault.
    ///
    /// The platform sets `IDENTITY_ENDPOINT` where there is a managed identity; the SDK reads it
    /// and the related variables itself.
    pub fn key_vault(&mut self) -> Option<KeyVaultSettings> {
        let client_id = self.optional("AZURE_CLIENT_ID");
        let identity = match self.optional("IDENTITY_ENDPOINT") {
            Some(_) => Identity::Managed { client_id },
            None => Identity::Developer,
        };
        let refresh_interval =
            self.with_default("SECRET_REFRESH_SECONDS", REFRESH_INTERVAL_DEFAULT, refresh_interval);
        Some(KeyVaultSettings { identity, refresh_interval: refresh_interval? })
    }

    /// The certificate authorities in the PEM file of `TRUSTED_CERTIFICATES_FILE`, trusted in
    /// addition to the system's.
    pub fn trusted_certificates(&mut self) -> Option<Vec<Certificate>> {
        match self.optional("TRUSTED_CERTIFICATES_FILE") {
            Some(file) => self.checked("TRUSTED_CERTIFICATES_FILE", certificates(&file)),
            None => Some(Vec::new()),
        }
    }

    /// The configuration of logs and Application Insights.
    ///
    /// App Service sets `WEBSITE_INSTANCE_ID`.
    pub fn telemetry(&mut self) -> Option<TelemetrySettings> {
        let log_filter = self.log_filter();
        let ratio = self.with_default("TELEMETRY_SAMPLING_RATIO", 1.0, sampling_ratio);
        let export = match self.optional("APPLICATIONINSIGHTS_CONNECTION_STRING") {
            Some(value) => {
                let checked = application_insights(&value);
                let name = "APPLICATIONINSIGHTS_CONNECTION_STRING";
                Some(ExportSettings {
                    loopback_endpoint: self.checked(name, checked)?,
                    connection_string: Secret::new(value),
                    sampling_ratio: ratio?,
                    role_instance: self.optional("WEBSITE_INSTANCE_ID"),
                })
            }
            None => None,
        };
        Some(TelemetrySettings { log_filter: log_filter?, export })
    }

    fn log_filter(&mut self) -> Option<LogFilter> {
        let filter = self.optional("RUST_LOG").unwrap_or_else(|| LOG_FILTER_DEFAULT.to_owned());
        let parsed = LogFilter::from_str(&filter)
            .map_err(|_| "is not a log filter like info or shared=debug,warn");
        self.checked("RUST_LOG", parsed)
    }

    /// Builds the settings, unless there were errors.
    ///
    /// # Errors
    /// All errors at once.
    pub fn finish<T>(self, settings: Option<T>) -> Result<T, SettingsError> {
        match settings {
            Some(settings) if self.mistakes.is_empty() => Ok(settings),
            Some(_) | None => Err(SettingsError(self.mistakes)),
        }
    }

    fn optional(&self, name: &str) -> Option<String> {
        (self.source)(name).filter(|value| !value.trim().is_empty())
    }

    fn checked<T>(&mut self, name: &str, result: Result<T, &'static str>) -> Option<T> {
        result.map_err(|mistake| self.mistakes.insert(name.to_owned(), mistake)).ok()
    }
}

/// Where documents are stored.
#[derive(Clone, Debug)]
pub struct MongoSettings {
    /// The connection string; it holds a password.
    pub connection_string: SecretSetting,
    /// The database's name.
    pub database: String,
}

fn literal_or_reference(value: String, validator: Validator) -> Result<SecretSource, &'static str> {
    if let Some(reference) = SecretReference::from_app_setting(&value)? {
        return Ok(SecretSource::KeyVault(reference));
    }
    validator(&value)?;
    Ok(SecretSource::Literal(Secret::new(value)))
}

fn connection_string(value: &str) -> Result<(), &'static str> {
    match ConnectionString::parse(value) {
        Ok(_) => Ok(()),
        Err(_) => Err("is not a MongoDB connection string"),
    }
}

fn refresh_interval(seconds: &str) -> Result<Duration, &'static str> {
    match seconds.trim().parse() {
        Ok(seconds @ 1..=86_400) => Ok(Duration::from_secs(seconds)),
        Ok(_) | Err(_) => Err("is not a number of seconds from 1 to 86400"),
    }
}

fn sampling_ratio(ratio: &str) -> Result<f64, &'static str> {
    match ratio.trim().parse() {
        Ok(ratio) if (0.0..=1.0).contains(&ratio) => Ok(ratio),
        Ok(_) | Err(_) => Err("is not a number from 0 to 1"),
    }
}

/// Checks `InstrumentationKey=<GUID>;IngestionEndpoint=https://…` ("Connection strings in
/// Application Insights"). Returns the endpoint if it is on this machine and without TLS.
fn application_insights(value: &str) -> Result<Option<String>, &'static str> {
    let field = |wanted: &str| {
        value.split(';').find_map(|pair| {
            let (name, value) = pair.split_once('=')?;
            name.trim().eq_ignore_ascii_case(wanted).then_some(value.trim())
        })
    };
    let Some(Ok(_)) = field("InstrumentationKey").map(Uuid::parse_str) else {
        return Err("is not a connection string with an InstrumentationKey");
    };
    let mut loopback = None;
    if let Some(endpoint) = field("IngestionEndpoint") {
        let url = Url::parse(endpoint).map_err(|_| "has an IngestionEndpoint that is not a URL")?;
        match (url.scheme(), url.host_str()) {
            ("https", Some(_)) => {}
            ("http", Some("127.0.0.1" | "localhost")) => loopback = Some(endpoint.to_owned()),
            _ => return Err("has an IngestionEndpoint without https"),
        }
    }
    // Comes after the endpoint, since the exporter panics if that is not a URL.
    match Exporter::new_from_connection_string(value, ()) {
        Ok(_) => Ok(loopback),
        Err(_) => Err("is not a connection string of Application Insights"),
    }
}

fn certificates(file: &str) -> Result<Vec<Certificate>, &'static str> {
    let pem = std::fs::read(file).map_err(|_| "names a file that cannot be read")?;
    match Certificate::from_pem_bundle(&pem) {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) | Err(_) => Err("names a file without PEM certificates"),
    }
}

/// A `MongoDB` database name has at most 63 bytes and none of these characters.
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
    use crate::setting::{COMMON, Default};

    #[test]
    fn the_listed_defaults_are_those_that_count() {
        let listed = |name: &str| {
            let setting = COMMON.iter().find(|setting| setting.name == name);
            let Some(Default::Is(value)) = setting.map(|setting| setting.default) else {
                panic!("{name} has no default")
            };
            value
        };
        let insights = "InstrumentationKey=00000000-0000-0000-0000-000000000001";
        let source = |name: &str| {
            (name == "APPLICATIONINSIGHTS_CONNECTION_STRING").then(|| insights.to_owned())
        };
        let mut reader = Reader::new(&source);
        let telemetry = reader.telemetry().unwrap();

        assert_eq!(LOG_FILTER_DEFAULT, listed("RUST_LOG"));
        let ratio = telemetry.export.unwrap().sampling_ratio;
        assert_eq!(ratio.to_string(), listed("TELEMETRY_SAMPLING_RATIO"));
        let interval = reader.key_vault().unwrap().refresh_interval;
        assert_eq!(interval.as_secs().to_string(), listed("SECRET_REFRESH_SECONDS"));
    }

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

    fn secret(values: &[(&str, &str)]) -> Result<SecretSource, String> {
        let source = |name: &str| {
            let found = values.iter().find(|(candidate, _)| *candidate == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let mut reader = Reader::new(&source);
        let short = |value: &str| if value.len() < 10 { Ok(()) } else { Err("is too long") };
        let secret = reader.secret("KEY", short);
        reader.finish(secret).map(|setting| setting.source).map_err(|error| error.to_string())
    }

    #[test]
    fn a_secret_is_a_value_or_names_one_in_key_vault() {
        let uri = "https://name.vault.azure.net/secrets/key";
        let reference = "@Microsoft.KeyVault(VaultName=name;SecretName=key)";

        let literal = secret(&[("KEY", "hunter2"), ("KEY_SECRET_URI", "")]);
        assert!(matches!(literal, Ok(SecretSource::Literal(value)) if value.expose() == "hunter2"));
        for values in [("KEY_SECRET_URI", uri), ("KEY", reference)] {
            let named = secret(&[values]);
            let expected = SecretReference::from_uri(uri).unwrap();
            assert!(matches!(named, Ok(SecretSource::KeyVault(it)) if it == expected));
        }
    }

    #[test]
    fn a_mistake_in_a_secret_names_its_setting_and_not_its_value() {
        let uri = "https://name.vault.azure.net/secrets/key";
        for (values, mistake) in [
            (&[][..], "KEY is missing, and so is its Key Vault URI"),
            (&[("KEY", "hunter2-hunter2")], "KEY is too long"),
            (
                &[("KEY", "hunter2"), ("KEY_SECRET_URI", uri)],
                "KEY_SECRET_URI is set, and so is the value itself",
            ),
            (
                &[("KEY_SECRET_URI", "hunter2")],
                "KEY_SECRET_URI is not a secret's URI like https://name.vault.azure.net/secrets/name",
            ),
            (
                &[("KEY", "@Microsoft.KeyVault(SecretUri=hunter2)")],
                "KEY is not a Key Vault reference like \
                 @Microsoft.KeyVault(SecretUri=https://…) or \
                 @Microsoft.KeyVault(VaultName=…;SecretName=…)",
            ),
        ] {
            assert_eq!(secret(values).unwrap_err(), mistake);
        }
    }

    #[test]
    fn the_identity_is_the_platforms_where_there_is_one() {
        let read = |names: &[&str]| {
            let source = |name: &str| names.contains(&name).then(|| "1".to_owned());
            let mut reader = Reader::new(&source);
            let settings = reader.key_vault();
            reader.finish(settings).unwrap()
        };
        let managed =
            |client_id: Option<&str>| Identity::Managed { client_id: client_id.map(str::to_owned) };

        assert_eq!(read(&["AZURE_CLIENT_ID"]).identity, Identity::Developer);
        assert_eq!(read(&["IDENTITY_ENDPOINT"]).identity, managed(None));
        assert_eq!(read(&["IDENTITY_ENDPOINT", "AZURE_CLIENT_ID"]).identity, managed(Some("1")));
        assert_eq!(read(&[]).refresh_interval, Duration::from_secs(900));
        assert_eq!(read(&["SECRET_REFRESH_SECONDS"]).refresh_interval, Duration::from_secs(1));
    }

    #[test]
    fn wrong_settings_of_key_vault_are_reported() {
        let source = |name: &str| match name {
            "SECRET_REFRESH_SECONDS" => Some("0".to_owned()),
            "TRUSTED_CERTIFICATES_FILE" => Some("/nowhere/authority.pem".to_owned()),
            _ => None,
        };
        let mut reader = Reader::new(&source);
        let settings = (reader.key_vault(), reader.trusted_certificates());

        assert_eq!(
            reader.finish(settings.0.zip(settings.1)).unwrap_err().to_string(),
            "SECRET_REFRESH_SECONDS is not a number of seconds from 1 to 86400; \
             TRUSTED_CERTIFICATES_FILE names a file that cannot be read"
        );
    }

    #[test]
    fn a_database_name_that_mongodb_refuses_is_a_mistake() {
        for name in ["a/b", "a.b", "$a", "a b", &"x".repeat(64)] {
            assert!(database_name(name.to_owned()).is_err(), "{name}");
        }
        assert!(database_name("patient-tests".to_owned()).is_ok());
    }

    #[test]
    fn telemetry_goes_to_azure_or_to_this_machine() {
        const KEY: &str = "InstrumentationKey=00000000-0000-0000-0000-000000000001";
        let read = |name: &str, value: &str| {
            let source = |asked: &str| (asked == name).then(|| value.to_owned());
            let mut reader = Reader::new(&source);
            let telemetry = reader.telemetry();
            reader.finish(telemetry).map_err(|error| error.to_string())
        };
        let endpoint = |value: &str| {
            let telemetry = read("APPLICATIONINSIGHTS_CONNECTION_STRING", value)?;
            Ok::<_, String>(telemetry.export.expect("it was given").loopback_endpoint)
        };

        assert_eq!(endpoint(KEY), Ok(None));
        let there = |url: &str| format!("{KEY};IngestionEndpoint={url}");
        assert_eq!(endpoint(&there("https://westeurope-5.in.example/")), Ok(None));
        let here = "http://127.0.0.1:9/";
        assert_eq!(endpoint(&there(here)), Ok(Some(here.to_owned())));
        for wrong in ["", "InstrumentationKey=7", &there("http://example/"), &there("elsewhere")] {
            let mistake = endpoint(&format!("x=y;{wrong}")).unwrap_err();
            assert!(mistake.starts_with("APPLICATIONINSIGHTS_CONNECTION_STRING "), "{mistake}");
            assert!(!mistake.contains("example"), "{mistake}");
        }
        for wrong in ["-0.1", "1.1", "NaN", "some"] {
            assert!(read("TELEMETRY_SAMPLING_RATIO", wrong).is_err(), "{wrong}");
        }
        assert!(read("TELEMETRY_SAMPLING_RATIO", "0.25").is_ok());
    }
}

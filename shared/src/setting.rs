//! The list of settings: what documents, examples and deployments are compared with.

use std::io::Write;

use serde::Serialize;

/// A setting of an app.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Setting {
    /// The name of the variable.
    pub name: &'static str,
    /// The app that has it, or `both`.
    pub app: &'static str,
    /// Whether its value must be kept secret. Then `<name>_SECRET_URI` can name a secret in Key
    /// Vault instead.
    pub is_secret: bool,
    /// What holds without it.
    pub default: Default,
    /// A sentence for operators.
    pub meaning: &'static str,
}

/// What holds without a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Default {
    /// The app does not start.
    Required,
    /// Nothing takes its place.
    None,
    /// This value.
    Is(&'static str),
    /// It is never for operators to set.
    SetBy(&'static str),
}

/// The settings that every app has.
pub const COMMON: [Setting; 10] = [
    Setting {
        name: "MONGO_CONNECTION_STRING",
        app: "both",
        is_secret: true,
        default: Default::Required,
        meaning: "Connection string of Cosmos DB for MongoDB, or of any MongoDB.",
    },
    Setting {
        name: "SECRET_REFRESH_SECONDS",
        app: "both",
        is_secret: false,
        default: Default::Is("900"),
        meaning: "How often secrets are read again from Key Vault, 1 to 86400. A refused secret is read again at once.",
    },
    Setting {
        name: "AZURE_CLIENT_ID",
        app: "both",
        is_secret: false,
        default: Default::None,
        meaning: "Client id of the user-assigned identity that reads Key Vault; without it, the system-assigned one.",
    },
    Setting {
        name: "TRUSTED_CERTIFICATES_FILE",
        app: "both",
        is_secret: false,
        default: Default::None,
        meaning: "PEM file of certificate authorities to trust in addition to the system's.",
    },
    Setting {
        name: "APPLICATIONINSIGHTS_CONNECTION_STRING",
        app: "both",
        is_secret: false,
        default: Default::None,
        meaning: "Where telemetry is sent; it can only write. Without it, none is sent.",
    },
    Setting {
        name: "TELEMETRY_SAMPLING_RATIO",
        app: "both",
        is_secret: false,
        default: Default::Is("1"),
        meaning: "Share of traces to send, 0 to 1, when the caller made no decision. Metrics are never sampled.",
    },
    Setting {
        name: "RUST_LOG",
        app: "both",
        is_secret: false,
        default: Default::Is("info,azure_identity=warn,typespec_client_core=warn"),
        meaning: "Log filter. The Azure SDK logs every request at `info`.",
    },
    Setting {
        name: "FUNCTIONS_CUSTOMHANDLER_PORT",
        app: "both",
        is_secret: false,
        default: Default::SetBy("the host"),
        meaning: "Loopback port that the app listens on.",
    },
    Setting {
        name: "IDENTITY_ENDPOINT",
        app: "both",
        is_secret: false,
        default: Default::SetBy("the platform"),
        meaning: "Present where there is a managed identity. Without it, Key Vault is read as the developer who is signed in to the Azure CLI.",
    },
    Setting {
        name: "WEBSITE_INSTANCE_ID",
        app: "both",
        is_secret: false,
        default: Default::SetBy("the platform"),
        meaning: "Name of the instance in telemetry.",
    },
];

/// Writes a list of settings to standard output as JSON.
///
/// # Errors
/// If standard output is closed.
pub fn print(own: &[Setting]) -> std::io::Result<()> {
    let all: Vec<_> = COMMON.iter().chain(own).collect();
    writeln!(std::io::stdout(), "{}", serde_json::to_string_pretty(&all)?)
}

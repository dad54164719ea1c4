//! The list of settings: what documents, examples and deployments are compared with.

use std::io::Write;

use serde::Serialize;

/// A setting of an app.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Setting {
    /// The name of the variable.
    pub name: &'static str,
    /// Which apps have it.
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
    /// This.
    Is(&'static str),
    /// It is for the platform to set, and not for operators.
    SetByPlatform,
}

/// The settings that every app has.
pub const COMMON: [Setting; 10] = [
    common(
        "FUNCTIONS_CUSTOMHANDLER_PORT",
        Default::SetByPlatform,
        "Port at which the Functions host expects the app.",
    ),
    Setting {
        is_secret: true,
        ..common(
            "MONGO_CONNECTION_STRING",
            Default::Required,
            "Azure Cosmos DB for MongoDB, or any MongoDB.",
        )
    },
    Setting {
        is_secret: true,
        ..common(
            "APPLICATIONINSIGHTS_CONNECTION_STRING",
            Default::Is("no telemetry is sent"),
            "Where telemetry is sent. Cannot be read from Key Vault.",
        )
    },
    common(
        "TELEMETRY_SAMPLING_RATIO",
        Default::Is("1"),
        "Share of traces, 0 to 1, to sample when the caller made no decision.",
    ),
    common("RUST_LOG", Default::Is("info"), "Log filter, for instance info or shared=debug,warn."),
    common(
        "SECRET_REFRESH_SECONDS",
        Default::Is("900"),
        "How often secrets are read again from Key Vault, 1 to 86400 seconds.",
    ),
    common(
        "TRUSTED_CERTIFICATES_FILE",
        Default::Is("those of the system"),
        "PEM file of certificate authorities to trust beside those of the system.",
    ),
    common(
        "AZURE_CLIENT_ID",
        Default::Is("the app's own identity"),
        "Client id of the user-assigned identity to use.",
    ),
    common(
        "IDENTITY_ENDPOINT",
        Default::SetByPlatform,
        "Present where there is a managed identity; else the developer's login is used.",
    ),
    common("WEBSITE_INSTANCE_ID", Default::SetByPlatform, "Names the instance in telemetry."),
];

const fn common(name: &'static str, default: Default, meaning: &'static str) -> Setting {
    Setting { name, app: "both apps", is_secret: false, default, meaning }
}

/// Writes a list of settings to standard output as JSON.
///
/// # Errors
/// If standard output is closed.
pub fn print(own: &[Setting]) -> std::io::Result<()> {
    let all: Vec<_> = COMMON.iter().chain(own).collect();
    writeln!(std::io::stdout(), "{}", serde_json::to_string_pretty(&all)?)
}

//! The app settings of both apps.

use stand_ins::app_insights::AppInsights;

use super::secrets::Secrets;

pub(super) const PATIENT_DATABASE: &str = "patient-tests";
pub(super) const AUDIT_DATABASE: &str = "audit";

type Settings = Vec<(String, String)>;

pub(super) fn patient(secrets: &Secrets, insights: &AppInsights, audit_port: u16) -> Settings {
    let audit_url = format!("http://127.0.0.1:{audit_port}/api/auditrecord");
    let own = [("PATIENT_TESTS_DATABASE", PATIENT_DATABASE), ("AUDIT_API_URL", &audit_url)];
    app_settings(secrets.patient_settings(), insights, &own)
}

pub(super) fn audit(secrets: &Secrets, insights: &AppInsights) -> Settings {
    app_settings(secrets.audit_settings(), insights, &[("AUDIT_DATABASE", AUDIT_DATABASE)])
}

/// Combines the settings for secrets, those of every app and those of one app.
fn app_settings(mut settings: Settings, insights: &AppInsights, own: &[(&str, &str)]) -> Settings {
    let every = [
        ("FUNCTIONS_WORKER_RUNTIME", "custom"),
        ("APPLICATIONINSIGHTS_CONNECTION_STRING", insights.connection_string()),
    ];
    let pairs = every.iter().chain(own);
    settings.extend(pairs.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    settings
}

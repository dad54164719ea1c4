//! Functions that bypass the audit register and must not compile.
//!
//! Each case is a documentation test: a copy of this crate, since nothing of it is public, with one
//! more module. `compile_fail` accepts any error, so the first case is a valid function, which
//! proves that the rest compiles; the other cases each change one thing in it.

macro_rules! case {
    ($name:ident, $expected:literal, $body:expr) => {
        #[doc = concat!(
            "```", $expected, "\n#![allow(warnings)]\n",
            "#[path = \"", env!("CARGO_MANIFEST_DIR"), "/src/access_log/mod.rs\"] mod access_log;\n",
            "#[path = \"", env!("CARGO_MANIFEST_DIR"), "/src/app.rs\"] mod app;\n",
            "#[path = \"", env!("CARGO_MANIFEST_DIR"), "/src/audit/mod.rs\"] mod audit;\n",
            "#[path = \"", env!("CARGO_MANIFEST_DIR"), "/src/functions/mod.rs\"] mod functions;\n",
            "#[path = \"", env!("CARGO_MANIFEST_DIR"), "/src/ids.rs\"] mod ids;\n",
            "#[path = \"", env!("CARGO_MANIFEST_DIR"), "/src/medical_test/mod.rs\"] mod medical_test;\n",
            "#[path = \"", env!("CARGO_MANIFEST_DIR"), "/src/patient/mod.rs\"] mod patient;\n",
            "#[path = \"", env!("CARGO_MANIFEST_DIR"), "/src/purpose.rs\"] mod purpose;\n",
            "#[path = \"", env!("CARGO_MANIFEST_DIR"), "/src/reconciliation/mod.rs\"] mod reconciliation;\n",
            "#[path = \"", env!("CARGO_MANIFEST_DIR"), "/src/settings.rs\"] mod settings;\n",
            "#[path = \"", env!("CARGO_MANIFEST_DIR"), "/src/versioned/mod.rs\"] mod versioned;\n",
            "use app::App;\nuse settings::Settings;\n",
            "mod case {\n",
            "use shared::http::{Request, Response};\nuse shared::{Error, Id, Result};\n",
            "use crate::App;\nuse crate::audit::*;\nuse crate::patient::*;\n",
            "async fn handle(app: &App, request: Request, details: PatientDetails) -> Result<Audited> {\n",
            "let id = Id::generate();\n",
            "let resource = Resource::patient(Operation::Create, id);\n",
            $body,
            "}\n}\nfn main() {}\n```"
        )]
        struct $name;
    };
}

/// The write of the good function, without what comes after it.
macro_rules! write {
    () => {
        "app.audit.write(&request, resource, async |intent| {
             app.patients.insert(id, details, intent, request.deadline).await?;
             Ok(Written::changed(Response::no_content()))
         }).await"
    };
}

case!(AGoodFunction, "no_run", write!());

case!(APlainResponse, "compile_fail", concat!(write!(), "?; Ok(Response::no_content())"));

case!(
    AReleaseMadeByHand,
    "compile_fail",
    concat!(write!(), "?; Ok(Audited { response: Response::no_content() })")
);

case!(
    AnIntentMadeByHand,
    "compile_fail",
    "app.audit.write(&request, resource, async |_| {
         let intent = &Intent { id: Id::generate() };
         app.patients.insert(id, details, intent, request.deadline).await?;
         Ok(Written::changed(Response::no_content()))
     }).await"
);

case!(
    AnAnnouncementThatNobodyConcludes,
    "compile_fail",
    concat!("app.audit.announce(&request, &resource).await?;", write!())
);

case!(
    AnIntentKeptForLater,
    "compile_fail",
    "let mut kept = None;
     app.audit.write(&request, resource, async |intent| {
         kept = Some(intent);
         Ok(Written::changed(Response::no_content()))
     }).await?;
     app.patients.insert(id, details, kept.unwrap(), request.deadline).await?;
     Err(Error::NotFound)"
);

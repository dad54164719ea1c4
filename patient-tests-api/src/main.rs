//! The executable that the Functions host starts.

use std::process::ExitCode;
use std::sync::Arc;

use patient_tests_api::{App, STORAGE, Settings, openapi, print_functions, print_settings};
use shared::telemetry::Role;
use shared::{HttpClient, custom_handler, settings, telemetry};

/// A request takes hundreds of small allocations, most of them in drivers and HTTP.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ROLE: Role = Role { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION") };

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let outcome = match std::env::args().nth(1).as_deref() {
        None => run(),
        Some("collections") => STORAGE.print().map_err(Failure::from),
        Some("functions") => print_functions().map_err(Failure::from),
        Some("openapi") => openapi::document().print().map_err(Failure::from),
        Some("settings") => print_settings().map_err(Failure::from),
        Some(_) => {
            Err("usage: patient-tests-api [collections | functions | openapi | settings]".into())
        }
    };
    outcome.map_or_else(
        |failure| {
            eprintln!("patient-tests-api: {failure}");
            ExitCode::FAILURE
        },
        |()| ExitCode::SUCCESS,
    )
}

/// One thread: the host beside us needs the other processors far more, and to hand a request from
/// thread to thread costs CPU time that one thread does not need.
#[tokio::main(flavor = "current_thread")]
async fn run() -> Result<(), Failure> {
    let settings = Settings::load(&settings::environment)?;
    let http = Arc::new(HttpClient::new(settings.trusted_certificates.clone()));
    telemetry::start(settings.telemetry.clone(), ROLE, &http)?;
    let listener = custom_handler::listen(settings.port)?;
    let shutdown = custom_handler::shutdown_signal()?;
    let app = Arc::new(App::new(settings, http));
    tokio::spawn(Arc::clone(&app).run());
    custom_handler::serve(app, listener, shutdown).await;
    Ok(())
}

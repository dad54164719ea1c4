//! The local stack, the packaging and the measuring, for `scripts/server`, `package` and `bench`.

mod bench;
mod options;

use std::path::Path;
use std::process::ExitCode;

use bench::BenchOptions;
use emulator::api_management;
use emulator::local_stack::{self, LocalStack, LocalStackOptions};
use emulator::package;
use options::{Command, USAGE};
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};

fn main() -> ExitCode {
    let command = options::parse(std::env::args_os().skip(1))
        .map_err(|mistake| format!("{mistake}\n\n{USAGE}"));
    match command.and_then(execute) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("emulator: {message}");
            ExitCode::FAILURE
        }
    }
}

/// What is measured has one thread, so that no request waits for a second one to wake up, in the
/// callers or in the stand-ins between two apps: that would be counted as the apps' own time.
fn execute(command: Command) -> Result<(), String> {
    let mut runtime = match command {
        Command::Bench(_) => Builder::new_current_thread(),
        _ => Builder::new_multi_thread(),
    };
    let runtime = runtime.enable_all().build();
    runtime.map_err(|error| format!("tasks cannot be run: {error}"))?.block_on(run(command))
}

async fn run(command: Command) -> Result<(), String> {
    match command {
        Command::Help => {
            println!("{USAGE}");
            Ok(())
        }
        Command::Package { app, template, executable, destination } => {
            package::assemble(&app, &template, &executable, &destination)
                .map_err(|error| format!("{} cannot be packaged: {error}", app.display()))
        }
        Command::Zip { folder, zip } => package::pack(&folder, &zip)
            .map_err(|error| format!("{} cannot be packed: {error}", folder.display())),
        Command::Server(options) => serve(&options).await,
        Command::RotateKey { state, rotation } => {
            local_stack::rotate(&state, rotation, |line| println!("{line}")).await
        }
        Command::Bench(options) => bench(options).await,
        Command::Policies => {
            let renderings = api_management::renderings().map_err(|error| error.to_string())?;
            println!("{}", serde_json::json!(renderings));
            Ok(())
        }
    }
}

/// Runs the stack until Ctrl-C, SIGTERM, or the end of a part of it.
async fn serve(options: &LocalStackOptions) -> Result<(), String> {
    let mut told_to_stop = stop_signals()?;
    println!("Starting MongoDB, both apps and the gateway …");
    let started = tokio::select! {
        started = LocalStack::start(options) => started,
        () = told_to_stop() => return Err("stopped while starting".to_owned()),
    };
    let mut stack = started.map_err(|error| error.to_string())?;
    introduce(&stack, &options.state);

    let outcome = tokio::select! {
        error = stack.ended() => Err(format!("{error}, so everything stops")),
        () = told_to_stop() => Ok(()),
    };
    println!("\nStopping the gateway, both apps and MongoDB …");
    tokio::select! {
        () = stack.stop() => {}
        () = told_to_stop() => return Err("stopped at once".to_owned()),
    }
    println!("Everything has stopped. The data is kept.");
    outcome
}

/// Measures; Ctrl-C and SIGTERM end it, and leave nothing behind.
async fn bench(options: BenchOptions) -> Result<(), String> {
    let mut told_to_stop = stop_signals()?;
    tokio::select! {
        outcome = bench::run(options) => outcome,
        () = told_to_stop() => Err("stopped while measuring".to_owned()),
    }
}

/// Waits for Ctrl-C or SIGTERM, each time that it is called.
fn stop_signals() -> Result<impl AsyncFnMut(), String> {
    let cannot_listen = |error: std::io::Error| format!("signals cannot be received: {error}");
    let mut interrupt = signal(SignalKind::interrupt()).map_err(cannot_listen)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(cannot_listen)?;
    Ok(async move || {
        tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
    })
}

fn introduce(stack: &LocalStack, state: &Path) {
    let (url, key) = (stack.url(), stack.subscription_key());
    let others = stack.subscriptions().iter().filter(|subscription| subscription.key != key);
    let others: String =
        others.map(|of| format!("  {:<18} {}\n", format!("{} key", of.product), of.key)).collect();
    println!(
        r#"
Everything works.
  gateway            {url}
  API                {url}/docs
  telemetry          {url}/telemetry
  subscription key   {key}
{others}  data and keys      {state}

Create a patient:
  curl --include {url}/patient \
    --header 'Ocp-Apim-Subscription-Key: {key}' \
    --header 'Content-Type: application/json' \
    --data '{{"firstName":"Ada","lastName":"Moana","gender":"female","dateOfBirth":"1980-02-29","postCode":"6011"}}'

Ctrl-C stops everything.
"#,
        state = state.display()
    );
}

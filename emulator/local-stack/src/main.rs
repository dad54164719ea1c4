//! The program behind `scripts/server`, `scripts/rotate-key` and `scripts/package`.

mod cli;

use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use cli::{Cli, Command};
use local_stack::{LocalStack, LocalStackOptions};
use stand_ins::process::StopSignals;
use stand_ins::{api_management, package};

#[tokio::main]
async fn main() -> ExitCode {
    match run(Cli::parse().command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("local-stack: {message}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> Result<(), String> {
    match command {
        Command::Server(args) => serve(&args.into()).await,
        Command::RotateKey { secret, state } => {
            local_stack::rotate(&state.state, secret, |line| println!("{line}")).await
        }
        Command::Package { app, template, executable, destination } => {
            package::assemble(&app, &template, &executable, &destination)
                .map_err(|error| format!("{} cannot be packaged: {error}", app.display()))
        }
        Command::Zip { folder, zip } => local_stack::zip::pack(&folder, &zip)
            .map_err(|error| format!("{} cannot be packed: {error}", folder.display())),
        Command::Policies => {
            let renderings = api_management::renderings().map_err(|error| error.to_string())?;
            println!("{}", serde_json::json!(renderings));
            Ok(())
        }
    }
}

/// Runs the stack until Ctrl-C, SIGTERM, or the end of one of its parts.
async fn serve(options: &LocalStackOptions) -> Result<(), String> {
    let mut stop_signals =
        StopSignals::listen().map_err(|error| format!("signals cannot be received: {error}"))?;
    println!("Starting MongoDB, both apps and the gateway …");
    let started = tokio::select! {
        started = LocalStack::start(options) => started,
        () = stop_signals.next() => return Err("stopped while starting".to_owned()),
    };
    let mut stack = started.map_err(|error| error.to_string())?;
    print_welcome(&stack, &options.state);

    let outcome = tokio::select! {
        error = stack.ended() => Err(format!("{error}, so everything stops")),
        () = stop_signals.next() => Ok(()),
    };
    println!("\nStopping the gateway, both apps and MongoDB …");
    tokio::select! {
        () = stack.stop() => {}
        () = stop_signals.next() => return Err("stopped at once".to_owned()),
    }
    println!("Everything has stopped. The data is kept.");
    outcome
}

fn print_welcome(stack: &LocalStack, state: &Path) {
    let (url, key) = (stack.url(), stack.subscription_key());
    let others = stack.subscriptions().iter().filter(|subscription| subscription.key != key);
    let others: String = others
        .map(|other| format!("  {:<18} {}\n", format!("{} key", other.product), other.key))
        .collect();
    println!(
        r#"
Everything works.
  gateway            {url}
  API                {url}/docs
  access log         {url}/access-log
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

//! One function app: its packaged folder, and the host that runs it.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde::de::DeserializeOwned;
use stand_ins::functions_host::{HandlerProcess, Host, HostKeys, HostOptions, KeyRing, Timers};
use stand_ins::process::Watched;
use tokio::process::Command;

use super::LocalStackError;

/// Core Tools end themselves by force after two seconds.
const CORE_TOOLS_STOP_LIMIT: Duration = Duration::from_secs(5);

/// A folder that [`stand_ins::package::assemble`] made.
#[derive(Debug)]
pub(super) struct PackagedApp {
    name: &'static str,
    folder: PathBuf,
}

/// An app behind its host.
#[derive(Debug)]
pub(super) struct RunningApp {
    name: &'static str,
    url: String,
    runner: Runner,
}

#[derive(Debug)]
enum Runner {
    Host(Host),
    CoreTools(Watched),
}

impl PackagedApp {
    pub(super) fn find(name: &'static str, functions: &Path) -> Result<Self, LocalStackError> {
        // Its executable is started in the folder itself, where a relative path would mislead.
        let folder = functions.join(name);
        let folder = std::path::absolute(&folder).unwrap_or(folder);
        let app = Self { name, folder };
        match app.folder.join("host.json").is_file() && app.executable().is_file() {
            true => Ok(app),
            false => Err(app.unusable("it is not packaged".to_owned())),
        }
    }

    /// The package is named after the executable in it.
    pub(super) fn executable(&self) -> PathBuf {
        self.folder.join(self.name)
    }

    /// What its executable prints when it is asked for its `collections` or its `openapi`.
    pub(super) async fn printed<T: DeserializeOwned>(
        &self,
        what: &str,
    ) -> Result<T, LocalStackError> {
        let output = Command::new(self.executable())
            .arg(what)
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()
            .await
            .map_err(|error| self.unusable(error.to_string()))?;
        serde_json::from_slice(&output.stdout)
            .map_err(|error| self.unusable(format!("`{what}` prints nothing usable: {error}")))
    }

    pub(super) fn unusable(&self, reason: String) -> LocalStackError {
        LocalStackError::Package { app: self.name, folder: self.folder.clone(), reason }
    }
}

impl RunningApp {
    /// Starts the app on this port, with one host key, given as name and value. What its host knows
    /// of timers is kept below `timers`.
    pub(super) async fn start(
        app: &PackagedApp,
        settings: &[(String, String)],
        port: u16,
        key: (&str, &str),
        timers: &Path,
        core_tools: bool,
    ) -> Result<Self, LocalStackError> {
        let failed = |cause: String| LocalStackError::Host { app: app.name, cause };
        let runner = if core_tools {
            let tools =
                start_core_tools(app, settings, port).map_err(|error| failed(error.to_string()))?;
            Runner::CoreTools(tools)
        } else {
            let (name, value) = key;
            let host_keys = vec![(name.to_owned(), value.to_owned())];
            let options = HostOptions {
                environment: settings.to_vec(),
                keys: HostKeys { host: host_keys, ..HostKeys::default() },
                port: Some(port),
                print_console: Some(app.name.to_owned()),
                timers: Some(timers.join(app.name)),
                ..HostOptions::new(app.folder.clone())
            };
            let host = Host::start(options).await.map_err(|error| failed(error.to_string()))?;
            Runner::Host(host)
        };
        Ok(Self { name: app.name, url: format!("http://127.0.0.1:{port}"), runner })
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// The keys that its host accepts; Core Tools accept any.
    pub(super) fn keys(&self) -> Option<KeyRing> {
        match &self.runner {
            Runner::Host(host) => Some(host.keys().clone()),
            Runner::CoreTools(_) => None,
        }
    }

    /// Its functions that run on a schedule; Core Tools keep theirs to themselves.
    pub(super) fn timers(&self) -> Option<Timers> {
        match &self.runner {
            Runner::Host(host) => Some(host.timers()),
            Runner::CoreTools(_) => None,
        }
    }

    /// What it has logged; Core Tools keep that to themselves.
    pub(super) fn logs(&self) -> Vec<String> {
        let Runner::Host(host) = &self.runner else {
            return Vec::new();
        };
        let console = host.console().into_iter().map(|line| line.text);
        console.chain(host.invocation_logs().into_iter().map(|log| log.text)).collect()
    }

    /// Its handler's process; Core Tools keep theirs to themselves.
    pub(super) fn handler_process(&self) -> Option<HandlerProcess> {
        match &self.runner {
            Runner::Host(host) => Some(host.handler_process()),
            Runner::CoreTools(_) => None,
        }
    }

    /// Its handler's process; under Core Tools that is their business.
    pub(super) fn handler_process_id(&self) -> Option<u32> {
        match &self.runner {
            Runner::Host(host) => host.handler_process_id(),
            Runner::CoreTools(_) => None,
        }
    }

    /// Waits until its host has ended by itself, and returns its name.
    pub(super) async fn ended(&mut self) -> &'static str {
        match &mut self.runner {
            Runner::Host(host) => host.stopped_itself().await,
            Runner::CoreTools(tools) => {
                tools.ended().await;
            }
        }
        self.name
    }

    pub(super) async fn stop(self) {
        match self.runner {
            Runner::Host(host) => host.stop().await,
            Runner::CoreTools(mut tools) => tools.stop(CORE_TOOLS_STOP_LIMIT).await,
        }
    }
}

/// Settings go as variables, which Core Tools prefer to those of a local.settings.json.
fn start_core_tools(
    app: &PackagedApp,
    settings: &[(String, String)],
    port: u16,
) -> std::io::Result<Watched> {
    let (reader, writer) = std::io::pipe()?;
    let errors = writer.try_clone()?;
    let configure = |command: &mut std::process::Command| {
        command.args(["start", "--port", &port.to_string()]);
        command.current_dir(&app.folder);
        command.envs(settings.iter().map(|(name, value)| (name, value)));
        command.stdout(Stdio::from(writer)).stderr(Stdio::from(errors));
    };
    let tools = Watched::start(Path::new("func"), configure, None)?;
    let label = app.name;
    std::thread::spawn(move || print_lines(label, reader));
    Ok(tools)
}

fn print_lines(label: &str, output: impl Read) {
    for line in BufReader::new(output).lines().map_while(Result::ok) {
        println!("[{label}] {line}");
    }
}

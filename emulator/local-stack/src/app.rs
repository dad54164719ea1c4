//! A function app: its packaged folder and the host that runs it.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde::de::DeserializeOwned;
use stand_ins::functions_host::{HandlerProcess, Host, HostKeys, HostOptions, KeyRing, Timers};
use stand_ins::process::Watched;
use tokio::process::Command;

use super::LocalStackError;

/// Core Tools exit by force after two seconds.
const CORE_TOOLS_STOP_LIMIT: Duration = Duration::from_secs(5);

/// A folder from [`stand_ins::package::assemble`].
#[derive(Debug)]
pub(super) struct PackagedApp {
    name: &'static str,
    folder: PathBuf,
}

/// A running app behind its host.
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
        // The executable is started in the folder, so a relative path would not work.
        let folder = functions.join(name);
        let folder = std::path::absolute(&folder).unwrap_or(folder);
        let app = Self { name, folder };
        match app.folder.join("host.json").is_file() && app.executable().is_file() {
            true => Ok(app),
            false => Err(app.unusable("it is not packaged".to_owned())),
        }
    }

    /// The executable has the name of the package.
    pub(super) fn executable(&self) -> PathBuf {
        self.folder.join(self.name)
    }

    /// Runs the executable with `collections` or `openapi` and parses its output.
    pub(super) async fn output_of<T: DeserializeOwned>(
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
    /// Starts the app on this port; its host has no keys but the master key yet. The status of
    /// timers is stored below `timers`.
    pub(super) async fn start(
        app: &PackagedApp,
        settings: &[(String, String)],
        port: u16,
        timers: &Path,
        core_tools: bool,
    ) -> Result<Self, LocalStackError> {
        let failed = |cause: String| LocalStackError::Host { app: app.name, cause };
        let runner = if core_tools {
            let tools =
                start_core_tools(app, settings, port).map_err(|error| failed(error.to_string()))?;
            Runner::CoreTools(tools)
        } else {
            let options = HostOptions {
                environment: settings.to_vec(),
                keys: HostKeys { host: Vec::new(), ..HostKeys::default() },
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

    /// The host's keys; Core Tools accept any key.
    pub(super) fn keys(&self) -> Option<KeyRing> {
        match &self.runner {
            Runner::Host(host) => Some(host.keys().clone()),
            Runner::CoreTools(_) => None,
        }
    }

    /// The timer functions; not available under Core Tools.
    pub(super) fn timers(&self) -> Option<Timers> {
        match &self.runner {
            Runner::Host(host) => Some(host.timers()),
            Runner::CoreTools(_) => None,
        }
    }

    /// The logs; not available under Core Tools.
    pub(super) fn logs(&self) -> Vec<String> {
        let Runner::Host(host) = &self.runner else {
            return Vec::new();
        };
        let console = host.console().into_iter().map(|line| line.text);
        console.chain(host.invocation_logs().into_iter().map(|log| log.text)).collect()
    }

    /// The handler's process; not available under Core Tools.
    pub(super) fn handler_process(&self) -> Option<HandlerProcess> {
        match &self.runner {
            Runner::Host(host) => Some(host.handler_process()),
            Runner::CoreTools(_) => None,
        }
    }

    /// The id of the handler's process; not available under Core Tools.
    pub(super) fn handler_process_id(&self) -> Option<u32> {
        match &self.runner {
            Runner::Host(host) => host.handler_process_id(),
            Runner::CoreTools(_) => None,
        }
    }

    /// Waits until the host has ended by itself; returns the app's name.
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

/// Settings are passed as environment variables, which take precedence over a local.settings.json.
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

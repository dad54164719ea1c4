//! A stand-in for the Azure Functions host: custom handlers with HTTP and timer triggers.
//!
//! It follows the host's source (version 4.1037); each module cites the files. It reads a packaged
//! app, starts its executable, checks keys, routes, posts invocation payloads and converts
//! envelopes to responses, with the quirks that a handler must live with. `docs/functions-host.md`
//! is the specification; `tests/recordings` has the behaviour of the real host.

mod admin;
mod app_folder;
mod case_insensitive_map;
mod charset;
mod connection;
mod console;
mod dotnet;
mod envelope;
mod function;
mod handler;
mod http_output;
mod identity;
mod invoke;
mod json;
mod kestrel;
mod keys;
mod metadata;
mod path;
mod payload;
mod process;
mod query;
mod route;
mod server;
mod timer;

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

pub use console::{ConsoleLine, InvocationLog, LogLevel};
pub use keys::{FunctionKey, HostKeys, KeyRing};
pub use timer::{TimerError, Timers};

use crate::app_insights::Reporter;
use crate::process::port;
use app_folder::AppFolder;
use connection::Pool;
use console::Console;
use handler::Handler;
use invoke::Invoker;
use server::Router;

/// How long the host waits for a killed handler to exit (`WorkerProcess.Dispose`).
const KILLING_MAX: Duration = Duration::from_secs(1);

/// The setting with the connection string for telemetry.
const CONNECTION_STRING: &str = "APPLICATIONINSIGHTS_CONNECTION_STRING";

/// The options of a host.
#[derive(Clone, Debug)]
pub struct HostOptions {
    /// The packaged app: `host.json`, the executable and one folder per function.
    pub app_root: PathBuf,
    /// App settings, which the handler gets as environment variables in addition to those of this
    /// process.
    pub environment: Vec<(String, String)>,
    /// The function keys.
    pub keys: HostKeys,
    /// The port on `127.0.0.1`; `None` for a free one.
    pub port: Option<u16>,
    /// Prints the handler's console output with this label.
    pub print_console: Option<String>,
    /// Whether invocations carry the host's `traceparent`, as in Azure.
    pub telemetry: bool,
    /// The folder for the status of timers; `None` to keep it in memory.
    pub timers: Option<PathBuf>,
}

/// A running host; dropping it kills the handler, as when the real host stops.
#[derive(Debug)]
pub struct Host {
    url: String,
    keys: KeyRing,
    timers: Timers,
    handler: Arc<Handler>,
    console: Arc<Console>,
    supervisor: JoinHandle<()>,
    serving: JoinHandle<()>,
    listening: JoinSet<()>,
}

/// The handler's process, which the host restarts when it ends.
#[derive(Clone, Debug)]
pub struct HandlerProcess(Arc<Handler>);

/// Why a host does not start.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// The app's folder is invalid or uses something unsupported.
    #[error("{}: {problem}", path.display())]
    AppFolder {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The port cannot be opened.
    #[error("port {port} of 127.0.0.1 cannot be opened")]
    Port {
        /// The port; 0 stands for a free one.
        port: u16,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
}

impl HostOptions {
    /// Options for this app with generated keys and a free port.
    pub fn new(app_root: PathBuf) -> Self {
        Self {
            app_root,
            environment: Vec::new(),
            keys: HostKeys::default(),
            port: None,
            print_console: None,
            telemetry: true,
            timers: None,
        }
    }
}

impl Host {
    /// Starts a host and its handler; does not wait until the handler is ready.
    ///
    /// # Errors
    /// If the folder is not a valid app, or the port is taken.
    pub async fn start(options: HostOptions) -> Result<Self, HostError> {
        let app = Arc::new(AppFolder::read(&options.app_root, &options.environment)?);
        let listener = bind(options.port.unwrap_or(0)).await?;
        let url = match listener.local_addr() {
            Ok(address) => format!("http://{address}"),
            Err(source) => return Err(HostError::Port { port: 0, source }),
        };
        let handler_port = port::free().map_err(|source| HostError::Port { port: 0, source })?;
        let handler = Arc::new(Handler::new(handler_port));
        let console = Arc::new(Console::new(options.print_console));
        for error in &app.functions.errors {
            console.note(&format!("a function is in error and is not served: {error}"));
        }
        let keys = KeyRing::new(options.keys);
        let supervisor = tokio::spawn(Arc::clone(&handler).supervise(
            Arc::clone(&app),
            options.environment.clone(),
            Arc::clone(&console),
        ));
        let invoker = Arc::new(Invoker {
            app,
            handler: Arc::clone(&handler),
            console: Arc::clone(&console),
            telemetry: options.telemetry,
            reporter: reporter(&options.app_root, &options.environment),
            connections: Pool::default(),
        });
        let timers = Timers::new(&invoker, options.timers.as_deref());
        let listening = timers.start();
        let router = Arc::new(Router::new(invoker, keys.clone(), timers.clone()));
        let stopping = Arc::clone(&handler);
        let serving = tokio::spawn(async move {
            kestrel::serve(listener, router, stopping.host_stopped()).await;
        });
        Ok(Self { url, keys, timers, handler, console, supervisor, serving, listening })
    }

    /// The host's URL, such as `http://127.0.0.1:7071`, without a trailing slash.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The handler's URL.
    pub fn handler_url(&self) -> String {
        format!("http://{}", self.handler.authority())
    }

    /// The id of the handler's process, if it runs.
    pub fn handler_process_id(&self) -> Option<u32> {
        self.handler.process_id()
    }

    /// A handle to the current process of the handler.
    pub fn handler_process(&self) -> HandlerProcess {
        HandlerProcess(Arc::clone(&self.handler))
    }

    /// The keys, which can be changed.
    pub fn keys(&self) -> KeyRing {
        self.keys.clone()
    }

    /// The timer functions.
    pub fn timers(&self) -> Timers {
        self.timers.clone()
    }

    /// The handler's console output, the last ten thousand lines.
    pub fn console(&self) -> Vec<ConsoleLine> {
        self.console.lines()
    }

    /// The handler's `Logs`, the last ten thousand lines.
    pub fn invocation_logs(&self) -> Vec<InvocationLog> {
        self.console.logs()
    }

    /// Waits until the host has stopped itself because its handler does not run. The real process
    /// ends then, and nothing listens at its address; Azure restarts it.
    pub async fn stopped_itself(&self) {
        self.handler.host_stopped().await;
    }

    /// Stops the server and kills the handler; afterwards both ports are free.
    pub async fn stop(mut self) {
        self.listening.abort_all();
        self.serving.abort();
        let _ = (&mut self.serving).await;
        self.handler.stop_host();
        let _ = tokio::time::timeout(KILLING_MAX, &mut self.supervisor).await;
    }
}

impl HandlerProcess {
    /// The current process id, if the handler runs.
    pub fn id(&self) -> Option<u32> {
        self.0.process_id()
    }

    /// Kills the process, as the host does when an invocation times out; the host starts another one.
    /// A crash would count as one of the failures after which the host stops itself.
    pub fn kill(&self) {
        self.0.restart();
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.handler.stop_host();
        self.supervisor.abort();
        self.serving.abort();
    }
}

/// The host sends telemetry to the same place as the app.
fn reporter(app_root: &Path, environment: &[(String, String)]) -> Option<Reporter> {
    let setting = environment.iter().find(|(name, _)| name == CONNECTION_STRING);
    let app = app_root.file_name().map(|name| name.to_string_lossy().into_owned());
    Reporter::new(&setting?.1, format!("{} host", app.unwrap_or_default()))
}

async fn bind(port: u16) -> Result<TcpListener, HostError> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .await
        .map_err(|source| HostError::Port { port, source })
}

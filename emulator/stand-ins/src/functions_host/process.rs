//! The handler's process: arguments, environment and output (`HttpWorkerProcess.cs`,
//! `WorkerProcess.cs`), and the readiness probe.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::Request;
use hyper::header::{HOST, HeaderValue};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};

use super::app_folder::AppFolder;
use super::connection::Connection;
use super::console::{Console, Stream};
use crate::process::Group;

/// The pause between two probes.
const PROBE_INTERVAL: Duration = Duration::from_millis(25);

/// Starts the process and a group that kills it if we end without stopping it; dropping the process
/// kills it too.
pub(super) fn start(
    app: &AppFolder,
    environment: &[(String, String)],
    port: u16,
    console: &Arc<Console>,
) -> std::io::Result<(Child, Group)> {
    let group = Group::start()?;
    let worker_id = uuid::Uuid::new_v4().to_string();
    let port = port.to_string();
    let mut child = Command::new(&app.executable)
        .args(&app.arguments)
        .current_dir(&app.working_directory)
        // It selects the server for the local stack and the tests; apps get theirs from settings.
        .env_remove("MONGO_CONNECTION_STRING")
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .env("FUNCTIONS_CUSTOMHANDLER_PORT", &port)
        .env("FUNCTIONS_HTTPWORKER_PORT", &port)
        .env("FUNCTIONS_CUSTOMHANDLER_WORKER_ID", &worker_id)
        .env("FUNCTIONS_HTTPWORKER_ID", &worker_id)
        .env("FUNCTIONS_APP_ROOT_PATH", &app.root)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(group.id())
        .kill_on_drop(true)
        .spawn()?;
    if let Some(output) = child.stdout.take() {
        tokio::spawn(listen(output, Stream::Output, Arc::clone(console)));
    }
    if let Some(errors) = child.stderr.take() {
        tokio::spawn(listen(errors, Stream::Error, Arc::clone(console)));
    }
    Ok((child, group))
}

/// Sends `GET /` until there is any response (`DefaultHttpWorkerService.IsWorkerReady`).
///
/// Only the pauses count against the limit; a handler that accepts and never responds is waited for
/// forever, as in the real host.
pub(super) async fn probe(authority: &str, limit: Duration) -> bool {
    for _ in 0..limit.as_millis() / PROBE_INTERVAL.as_millis() {
        if let Ok(mut connection) = Connection::open(authority).await {
            let mut request = Request::new(Full::default());
            if let Ok(host) = HeaderValue::from_str(authority) {
                request.headers_mut().insert(HOST, host);
            }
            // Even garbage counts as a response.
            let _ = connection.exchange(request).await;
            return true;
        }
        tokio::time::sleep(PROBE_INTERVAL).await;
    }
    false
}

async fn listen(output: impl AsyncRead + Unpin, stream: Stream, console: Arc<Console>) {
    let mut lines = BufReader::new(output).split(b'\n');
    while let Ok(Some(line)) = lines.next_segment().await {
        console.line(stream, String::from_utf8_lossy(&line).trim_end().to_owned());
    }
}

//! When to stop serving.

use tokio::signal::unix::{SignalKind, signal};

/// Completes on SIGTERM or SIGINT.
///
/// The host kills its handlers without sending either, but platforms stop containers with SIGTERM, and
/// Ctrl-C under `func start` reaches the handler too.
///
/// # Errors
/// If the signals cannot be listened to.
pub fn shutdown_signal() -> std::io::Result<impl Future<Output = ()> + Send + 'static> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

//! The HTTP client of the local stack and of tests.

use std::time::Duration;

/// How long an idle connection is kept; the servers here close theirs a little later.
pub(crate) const IDLE_TIME_MAX: Duration = Duration::from_secs(20);

/// A client for plain HTTP on this machine: it follows no redirect and ignores proxy settings.
///
/// # Panics
/// If the client cannot be built, which would be a bug.
pub fn http_client() -> reqwest::Client {
    // reqwest needs a default crypto provider even for plain HTTP. An error means that the process
    // has one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .no_proxy()
        // No certificates: nothing is encrypted, and loading the system's list takes a while.
        .tls_certs_only([])
        .pool_idle_timeout(IDLE_TIME_MAX)
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .expect("the options are constant")
}

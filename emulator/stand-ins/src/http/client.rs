//! The HTTP client of the local stack and of tests.

use std::time::Duration;

/// How long an unused connection is kept; the servers here close theirs a little later.
pub(crate) const IDLE_TIME_MAX: Duration = Duration::from_secs(20);

/// A client for plain HTTP on this machine: it follows no redirect and ignores proxy settings.
///
/// # Panics
/// If the client cannot be built, which would be a defect of ours.
pub fn http_client() -> reqwest::Client {
    // The client wants to know its cryptography even where it never encrypts anything; an error
    // means that someone else in this process has chosen already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .no_proxy()
        // Nobody is trusted, since nothing is encrypted; reading the system's list takes a while.
        .tls_certs_only([])
        .pool_idle_timeout(IDLE_TIME_MAX)
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .expect("the options are constant")
}

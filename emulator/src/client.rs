//! The HTTP client of the local stack and of tests.

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
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .expect("the options are constant")
}

//! The HTTP client for calls to other services, one per process.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client};
use tokio::sync::OnceCell;

use crate::Error;

/// The timeout for connecting.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(3);

/// How long an idle connection is kept; hosts close theirs after two minutes.
const IDLE_TIME_MAX: Duration = Duration::from_secs(90);

/// A client that is built at first use, because reading the system's certificates takes
/// longer than the rest of the start. It follows no redirect and uses no proxy.
#[derive(Debug)]
pub struct HttpClient {
    trusted: Vec<Certificate>,
    client: OnceCell<Client>,
}

impl HttpClient {
    /// A client that trusts these authorities in addition to the system's.
    pub fn new(trusted: Vec<Certificate>) -> Self {
        Self { trusted, client: OnceCell::new() }
    }

    /// The client.
    ///
    /// # Errors
    /// [`Error::Internal`] if it cannot be built.
    pub async fn get(&self) -> crate::Result<&Client> {
        self.client.get_or_try_init(|| self.build()).await
    }

    async fn build(&self) -> crate::Result<Client> {
        let trusted = self.trusted.clone();
        let building = tokio::task::spawn_blocking(|| build(trusted));
        let built = building.await.map_err(|error| Error::Internal(error.into()))?;
        built.map_err(|error| Error::Internal(error.into()))
    }
}

fn build(trusted: Vec<Certificate>) -> Result<Client, reqwest::Error> {
    // The database driver and this client share one TLS provider. An error means that it is already
    // installed.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .connect_timeout(CONNECT_TIME_MAX)
        .pool_idle_timeout(IDLE_TIME_MAX)
        .redirect(Policy::none())
        // Callers retry themselves; the client's own retries would copy each request.
        .retry(reqwest::retry::never())
        .no_proxy()
        .tls_certs_merge(trusted)
        .dns_resolver(Resolver)
        .build()
}

/// Uses the system's resolver, but resolves names below `localhost` to this machine (RFC 6761,
/// section 6.3), which not every system does.
struct Resolver;

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let addresses: Addrs = if is_localhost(name.as_str()) {
                let loopback = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
                Box::new(loopback.map(|address| SocketAddr::new(address, 0)).into_iter())
            } else {
                let addresses = tokio::net::lookup_host((name.as_str(), 0)).await?;
                Box::new(addresses.collect::<Vec<_>>().into_iter())
            };
            Ok(addresses)
        })
    }
}

fn is_localhost(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let last = name.rsplit('.').next();
    last.is_some_and(|label| label.eq_ignore_ascii_case("localhost"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_below_localhost_are_this_machine_and_no_other_is() {
        for (name, expected) in [
            ("localhost", true),
            ("vault.localhost", true),
            ("a.b.LOCALHOST.", true),
            ("localhost.example", false),
            ("notlocalhost", false),
            ("", false),
        ] {
            assert_eq!(is_localhost(name), expected, "{name}");
        }
    }
}

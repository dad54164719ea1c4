//! Stand-ins for Azure Key Vault and for the managed identities that read it.
//!
//! The vault serves TLS, since Azure's client refuses anything else. Its certificate comes from an
//! authority that is created at start, which clients must be configured to trust. Each identity
//! reads only the secrets that it was granted.

mod authority;
mod identity_api;
mod secrets_api;
mod server;
mod vault;

use std::io::{self, Write};
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tempfile::NamedTempFile;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

pub use crate::fault::Fault;
use authority::Authority;
use vault::Vault;

/// The vault's host name, which resolves to this machine (RFC 6761, section 6.3).
pub const HOST: &str = "patient-records.vault.localhost";

/// The lifetime of Microsoft Entra's tokens for managed identities.
const TOKEN_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// A running vault and identity endpoint, both closed when dropped.
pub struct KeyVault {
    url: Arc<str>,
    identity_endpoint: String,
    certificate: NamedTempFile,
    vault: Arc<Vault>,
    serving: [JoinHandle<()>; 2],
}

/// A managed identity, as App Service describes it to an app.
#[derive(Clone)]
pub struct Identity {
    /// The value of `IDENTITY_ENDPOINT`.
    pub endpoint: String,
    /// The value of `IDENTITY_HEADER`, which authenticates the identity.
    pub header: String,
    /// The value of `AZURE_CLIENT_ID`.
    pub client_id: String,
}

impl KeyVault {
    /// Starts an empty vault on free ports.
    ///
    /// # Errors
    /// If no port can be opened or the certificate cannot be written.
    pub async fn start() -> io::Result<Self> {
        let authority = Authority::for_host(HOST)?;
        let mut certificate = NamedTempFile::new()?;
        certificate.write_all(authority.certificate_pem.as_bytes())?;
        let vault_listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let identity_listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url: Arc<str> =
            format!("https://{HOST}:{}", vault_listener.local_addr()?.port()).into();
        let identity_endpoint =
            format!("http://{}{}", identity_listener.local_addr()?, identity_api::PATH);
        let vault = Arc::new(Vault::new(TOKEN_LIFETIME));
        let tls = TlsAcceptor::from(authority.server);
        let serving = [
            tokio::spawn(server::serve_vault(
                vault_listener,
                tls,
                Arc::clone(&vault),
                Arc::clone(&url),
            )),
            tokio::spawn(server::serve_identities(identity_listener, Arc::clone(&vault))),
        ];
        Ok(Self { url, identity_endpoint, certificate, vault, serving })
    }

    /// The vault's URL, without a trailing slash.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The file with the authority's certificate (PEM), which clients must trust.
    pub fn trusted_certificate(&self) -> &Path {
        self.certificate.path()
    }

    /// The address of a secret's newest version.
    pub fn secret_uri(&self, name: &str) -> String {
        format!("{}/secrets/{name}", self.url)
    }

    /// Adds a version of a secret; returns the version's id.
    pub fn set_secret(&self, name: &str, value: &str) -> String {
        self.vault.set_secret(name, value)
    }

    /// The identity of this name, created on first use without any grant.
    pub fn identity(&self, name: &str) -> Identity {
        let vault::RegisteredIdentity { header, client_id, .. } = self.vault.identity(name);
        Identity { endpoint: self.identity_endpoint.clone(), header, client_id }
    }

    /// Lets an identity read a secret.
    pub fn grant(&self, identity: &str, secret: &str) {
        self.vault.grant(identity, secret);
    }

    /// Withdraws that permission.
    pub fn revoke(&self, identity: &str, secret: &str) {
        self.vault.revoke(identity, secret);
    }

    /// Sets or clears a fault for every request to the vault.
    pub fn fail(&self, fault: Option<Fault>) {
        self.vault.fail_vault(fault);
    }

    /// Sets or clears a fault for every request for a token.
    pub fn fail_identities(&self, fault: Option<Fault>) {
        self.vault.fail_identity(fault);
    }

    /// The number of times that an identity has read a secret.
    pub fn read_count(&self, identity: &str, secret: &str) -> usize {
        self.vault.read_count(identity, secret)
    }

    /// The number of requests that a fault has affected, for secrets and for tokens.
    pub fn fault_count(&self) -> usize {
        self.vault.fault_count()
    }

    /// Waits until an identity has read this version or a newer one; returns whether that happened
    /// within the limit.
    pub async fn until_read(
        &self,
        identity: &str,
        secret: &str,
        version: &str,
        limit: Duration,
    ) -> bool {
        tokio::time::timeout(limit, self.vault.until_read(identity, secret, version)).await.is_ok()
    }
}

impl Drop for KeyVault {
    fn drop(&mut self) {
        for serving in &self.serving {
            serving.abort();
        }
    }
}

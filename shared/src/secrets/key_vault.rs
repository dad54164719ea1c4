//! Reads secrets from Azure Key Vault.

use std::sync::Arc;
use std::time::Duration;

use azure_core::credentials::TokenCredential;
use azure_core::error::ErrorKind;
use azure_core::http::{ClientOptions, ExponentialRetryOptions, RetryOptions, Transport};
use azure_identity::{
    DeveloperToolsCredential, ManagedIdentityCredential, ManagedIdentityCredentialOptions,
    UserAssignedId,
};
use azure_security_keyvault_secrets::models::SecretClientGetSecretOptions;
use azure_security_keyvault_secrets::{SecretClient, SecretClientOptions};
use tokio::sync::OnceCell;

use super::{LiveSecret, Secret, SecretError, SecretReference, SecretSetting};
use crate::HttpClient;

/// Attempts at one request after the first; a [`LiveSecret`] comes back by itself.
const RETRIES_MAX: u32 = 3;

/// How secrets in Key Vault are read.
#[derive(Clone, Debug)]
pub struct KeyVaultSettings {
    /// As whom.
    pub identity: Identity,
    /// How often a value is read again while nothing refuses it.
    pub refresh_interval: Duration,
}

/// Who we are to Azure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// The identity that App Service gives the app: the one with this client id, else the app's
    /// own.
    Managed {
        /// Client id of a user-assigned identity.
        client_id: Option<String>,
    },
    /// Whoever has signed in to the Azure CLI or the Azure Developer CLI.
    Developer,
}

/// The way to all vaults; connects when a secret is first read.
pub struct KeyVault {
    settings: KeyVaultSettings,
    http: Arc<HttpClient>,
    credential: OnceCell<Arc<dyn TokenCredential>>,
}

/// One secret of a vault.
pub(super) struct VaultSecret {
    vault: Arc<KeyVault>,
    reference: SecretReference,
    client: OnceCell<SecretClient>,
}

impl KeyVault {
    /// Nothing is connected yet.
    pub fn new(settings: KeyVaultSettings, http: Arc<HttpClient>) -> Arc<Self> {
        Arc::new(Self { settings, http, credential: OnceCell::new() })
    }

    /// The secret that a setting holds or names.
    pub fn live(self: &Arc<Self>, setting: SecretSetting) -> Arc<LiveSecret> {
        Arc::new(LiveSecret::new(setting, self))
    }

    pub(super) fn refresh_interval(&self) -> Duration {
        self.settings.refresh_interval
    }

    pub(super) fn secret(self: &Arc<Self>, reference: SecretReference) -> VaultSecret {
        VaultSecret { vault: Arc::clone(self), reference, client: OnceCell::new() }
    }

    async fn client_options(&self) -> Result<ClientOptions, SecretError> {
        let http = self.http.get().await.map_err(|_| SecretError::NoClient)?;
        let retry = ExponentialRetryOptions { max_retries: RETRIES_MAX, ..Default::default() };
        Ok(ClientOptions {
            retry: RetryOptions::exponential(retry),
            transport: Some(Transport::new(Arc::new(http.clone()))),
            ..ClientOptions::default()
        })
    }

    async fn credential(&self) -> Result<Arc<dyn TokenCredential>, SecretError> {
        let credential = self.credential.get_or_try_init(|| self.sign_in()).await?;
        Ok(Arc::clone(credential))
    }

    async fn sign_in(&self) -> Result<Arc<dyn TokenCredential>, SecretError> {
        let credential: Arc<dyn TokenCredential> = match &self.settings.identity {
            Identity::Managed { client_id } => {
                let options = ManagedIdentityCredentialOptions {
                    user_assigned_id: client_id.clone().map(UserAssignedId::ClientId),
                    client_options: self.client_options().await?,
                };
                ManagedIdentityCredential::new(Some(options)).map_err(|_| SecretError::NoToken)?
            }
            Identity::Developer => {
                DeveloperToolsCredential::new(None).map_err(|_| SecretError::NoToken)?
            }
        };
        Ok(credential)
    }
}

impl VaultSecret {
    /// Reads the value.
    pub(super) async fn read(&self) -> Result<Secret, SecretError> {
        let client = self.client.get_or_try_init(|| self.connect()).await?;
        let options = SecretClientGetSecretOptions {
            secret_version: self.reference.version.clone(),
            ..SecretClientGetSecretOptions::default()
        };
        let response = client.get_secret(&self.reference.name, Some(options)).await;
        let secret =
            response.and_then(|response| response.into_model()).map_err(|error| cause(&error))?;
        secret.value.map(Secret::new).ok_or(SecretError::NoSecret)
    }

    async fn connect(&self) -> Result<SecretClient, SecretError> {
        let options = SecretClientOptions {
            client_options: self.vault.client_options().await?,
            ..SecretClientOptions::default()
        };
        let credential = self.vault.credential().await?;
        SecretClient::new(self.reference.vault.as_str(), credential, Some(options))
            .map_err(|error| cause(&error))
    }
}

/// What an operator needs to know; the SDK's own messages quote addresses and answers.
fn cause(error: &azure_core::Error) -> SecretError {
    match error.kind() {
        ErrorKind::HttpResponse { status, .. } => SecretError::Refused(u16::from(*status)),
        ErrorKind::Connection | ErrorKind::Io => SecretError::Unreachable,
        ErrorKind::Credential => SecretError::NoToken,
        ErrorKind::DataConversion | ErrorKind::Other => SecretError::NoSecret,
    }
}

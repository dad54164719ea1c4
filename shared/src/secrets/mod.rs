//! Secrets: values that must never be printed, and how they are kept current.
//!
//! A secret setting is a literal or names a secret in Key Vault ([`SecretReference`]). A
//! [`LiveSecret`] holds the value in use; [`KeyVault`] reads it with the app's managed identity.

mod key_vault;
mod live;
mod reference;

pub use crate::secret::Secret;
pub use key_vault::{Identity, KeyVault, KeyVaultSettings};
pub use live::{LiveSecret, SecretVersion};
pub use reference::SecretReference;

/// What is wrong with a value that cannot be what its setting says, without the value.
pub type Validator = fn(&str) -> Result<(), &'static str>;

/// A setting that holds a secret, or says where it is.
#[derive(Clone, Debug)]
pub struct SecretSetting {
    /// The setting's name, which may be told to anyone.
    pub name: &'static str,
    /// The value, or where it is.
    pub source: SecretSource,
    /// What every value must be like, now and after each rotation.
    pub validator: Validator,
}

/// Where a secret comes from.
#[derive(Clone, Debug)]
pub enum SecretSource {
    /// The setting holds the value itself; it never changes.
    Literal(Secret),
    /// Key Vault holds it.
    KeyVault(SecretReference),
}

/// Why a secret cannot be read. Names neither the vault nor the value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SecretError {
    #[error("Key Vault answered {0}")]
    Refused(u16),
    #[error("Key Vault could not be reached")]
    Unreachable,
    #[error("Key Vault did not answer in time")]
    Silence,
    #[error("Key Vault's answer has no secret in it")]
    NoSecret,
    #[error("there is no access token for Key Vault")]
    NoToken,
    #[error("the HTTP client could not be set up")]
    NoClient,
    #[error("the value in Key Vault {0}")]
    Unusable(&'static str),
}

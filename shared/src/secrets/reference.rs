//! References to secrets in Key Vault, in the forms that settings use.
//!
//! The forms follow the documents "About keys, secrets, and certificates" (object identifiers) and
//! "Use Key Vault references as app settings in Azure App Service".

use std::fmt;

use reqwest::Url;

/// The longest name of an object in a vault.
const NAME_LENGTH_MAX: usize = 127;

const NOT_A_REFERENCE: &str = "is not a Key Vault reference like \
     @Microsoft.KeyVault(SecretUri=https://…) or @Microsoft.KeyVault(VaultName=…;SecretName=…)";

/// A secret in a vault; without a version, the newest one.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretReference {
    /// The vault's address, such as `https://name.vault.azure.net/`.
    pub(super) vault: Url,
    pub(super) name: String,
    pub(super) version: Option<String>,
}

impl SecretReference {
    /// Parses `https://<vault>/secrets/<name>`, with or without `/<version>`.
    ///
    /// # Errors
    /// A description of what is wrong, without the text.
    pub fn from_uri(uri: &str) -> Result<Self, &'static str> {
        let wrong = "is not a secret's URI like https://name.vault.azure.net/secrets/name";
        let mut vault = Url::parse(uri.trim()).map_err(|_| wrong)?;
        let path = vault.path().trim_matches('/').to_owned();
        let mut segments = path.split('/');
        let ("https", Some("secrets"), Some(name), version, None) =
            (vault.scheme(), segments.next(), segments.next(), segments.next(), segments.next())
        else {
            return Err(wrong);
        };
        let has_more = vault.query().is_some()
            || vault.fragment().is_some()
            || !vault.username().is_empty()
            || vault.password().is_some();
        if has_more || !is_name(name) || !version.is_none_or(is_name) {
            return Err(wrong);
        }
        let (name, version) = (name.to_owned(), version.map(str::to_owned));
        vault.set_path("/");
        Ok(Self { vault, name, version })
    }

    /// Parses an `@Microsoft.KeyVault(…)` that the platform has not resolved; `None` if the value
    /// is a literal.
    ///
    /// # Errors
    /// A description of what is wrong, without the text.
    pub fn from_app_setting(value: &str) -> Result<Option<Self>, &'static str> {
        let Some(parameters) = value.trim().strip_prefix("@Microsoft.KeyVault") else {
            return Ok(None);
        };
        let parameters = parameters
            .strip_prefix('(')
            .and_then(|rest| rest.strip_suffix(')'))
            .ok_or(NOT_A_REFERENCE)?;
        Self::from_parameters(parameters).map(Some)
    }

    fn from_parameters(parameters: &str) -> Result<Self, &'static str> {
        let (mut uri, mut vault, mut name, mut version) = (None, None, None, None);
        for parameter in parameters.split(';').filter(|parameter| !parameter.trim().is_empty()) {
            let (key, value) = parameter.split_once('=').ok_or(NOT_A_REFERENCE)?;
            let place = match key.trim().to_ascii_lowercase().as_str() {
                "secreturi" => &mut uri,
                "vaultname" => &mut vault,
                "secretname" => &mut name,
                "secretversion" => &mut version,
                _ => return Err(NOT_A_REFERENCE),
            };
            if place.replace(value.trim()).is_some() {
                return Err(NOT_A_REFERENCE);
            }
        }
        match (uri, vault, name, version.filter(|version| !version.is_empty())) {
            (Some(uri), None, None, None) => Self::from_uri(uri).map_err(|_| NOT_A_REFERENCE),
            (None, Some(vault), Some(name), version)
                if is_name(vault) && is_name(name) && version.is_none_or(is_name) =>
            {
                let vault = Url::parse(&format!("https://{vault}.vault.azure.net/"))
                    .map_err(|_| NOT_A_REFERENCE)?;
                Ok(Self { vault, name: name.to_owned(), version: version.map(str::to_owned) })
            }
            _ => Err(NOT_A_REFERENCE),
        }
    }
}

/// Omits the vault's host name, which must not leave the configuration.
impl fmt::Debug for SecretReference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SecretReference(…)")
    }
}

/// Names of vaults, secrets and versions consist of letters, digits and hyphens.
fn is_name(text: &str) -> bool {
    (1..=NAME_LENGTH_MAX).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parts(reference: SecretReference) -> (String, String, Option<String>) {
        (reference.vault.to_string(), reference.name, reference.version)
    }

    fn reference(
        vault: &str,
        name: &str,
        version: Option<&str>,
    ) -> (String, String, Option<String>) {
        (vault.to_owned(), name.to_owned(), version.map(str::to_owned))
    }

    #[test]
    fn a_uri_names_vault_secret_and_perhaps_version() {
        for (uri, expected) in [
            ("https://v.vault.azure.net/secrets/key", ("https://v.vault.azure.net/", None)),
            ("https://v.vault.azure.net/secrets/key/", ("https://v.vault.azure.net/", None)),
            (
                "https://v.vault.azure.net:443/secrets/key/1a2b",
                ("https://v.vault.azure.net/", Some("1a2b")),
            ),
            (
                "https://v.vault.localhost:8200/secrets/key",
                ("https://v.vault.localhost:8200/", None),
            ),
        ] {
            let (vault, version) = expected;
            let parsed = SecretReference::from_uri(uri).map(parts);
            assert_eq!(parsed, Ok(reference(vault, "key", version)), "{uri}");
        }
    }

    #[test]
    fn other_uris_are_refused() {
        for uri in [
            "",
            "hunter2",
            "http://v.vault.azure.net/secrets/key",
            "https://v.vault.azure.net/keys/key",
            "https://v.vault.azure.net/secrets",
            "https://v.vault.azure.net/secrets/key/version/more",
            "https://v.vault.azure.net/secrets/k%65y",
            "https://v.vault.azure.net/secrets/key?api-version=7.5",
            "https://user:pass@v.vault.azure.net/secrets/key",
        ] {
            assert!(SecretReference::from_uri(uri).is_err(), "{uri}");
        }
    }

    #[test]
    fn both_forms_of_an_app_setting_are_understood() {
        for (value, expected) in [
            (
                "@Microsoft.KeyVault(SecretUri=https://v.vault.azure.net/secrets/key/)",
                reference("https://v.vault.azure.net/", "key", None),
            ),
            (
                "@Microsoft.KeyVault(VaultName=v;SecretName=key)",
                reference("https://v.vault.azure.net/", "key", None),
            ),
            (
                " @Microsoft.KeyVault(SecretName=key;VaultName=v;SecretVersion=1a2b) ",
                reference("https://v.vault.azure.net/", "key", Some("1a2b")),
            ),
        ] {
            let parsed = SecretReference::from_app_setting(value).map(|it| it.map(parts));
            assert_eq!(parsed, Ok(Some(expected)), "{value}");
        }
    }

    #[test]
    fn a_broken_reference_is_not_taken_for_a_literal() {
        for value in [
            "@Microsoft.KeyVault",
            "@Microsoft.KeyVault()",
            "@Microsoft.KeyVault(SecretUri=)",
            "@Microsoft.KeyVault(SecretUri=https://v.vault.azure.net/secrets/key",
            "@Microsoft.KeyVault(VaultName=v)",
            "@Microsoft.KeyVault(VaultName=v.evil.example/;SecretName=key)",
            "@Microsoft.KeyVault(VaultName=v;VaultName=w;SecretName=key)",
            "@Microsoft.KeyVault(VaultName=v;SecretName=key;Other=1)",
        ] {
            assert!(SecretReference::from_app_setting(value).is_err(), "{value}");
        }
        assert_eq!(SecretReference::from_app_setting("mongodb://localhost"), Ok(None));
    }

    proptest! {
        #[test]
        fn any_text_is_a_reference_a_literal_or_a_mistake(text in ".*", inner in ".*") {
            let _ = SecretReference::from_uri(&text);
            let _ = SecretReference::from_app_setting(&text);
            let _ = SecretReference::from_app_setting(&format!("@Microsoft.KeyVault({inner})"));
        }

        #[test]
        fn an_accepted_uri_stays_within_its_vault(name in "[a-zA-Z0-9-]{1,127}", version in "[a-f0-9]{32}") {
            let uri = format!("https://v.vault.azure.net/secrets/{name}/{version}");
            let parsed = SecretReference::from_uri(&uri).map(parts);
            prop_assert_eq!(parsed, Ok(reference("https://v.vault.azure.net/", &name, Some(&version))));
        }
    }
}

//! The policy files that Terraform deploys, compiled in.

use super::template;
use super::template::Rendered;
use super::values::Values;

/// The folder of the files, for messages.
const FOLDER: &str = "terraform/policies";

/// The suffix of policy files.
const SUFFIX: &str = ".xml.tftpl";

/// The policy files of a gateway.
#[derive(Clone, Debug)]
pub struct PolicyFiles(Vec<(String, String)>);

/// An error in a policy file.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{FOLDER}/{file}:{line}: {message}")]
pub struct PolicyError {
    /// `caller.xml.tftpl`.
    pub file: String,
    /// The line in the template, not in the rendered file.
    pub line: u32,
    /// What is wrong there.
    pub message: String,
}

macro_rules! embedded {
    ($($name:literal),* $(,)?) => {
        &[$((
            $name,
            include_str!(concat!("../../../../terraform/policies/", $name, ".xml.tftpl")),
        )),*]
    };
}

const DEPLOYED: &[(&str, &str)] = embedded![
    "caller",
    "health_only",
    "host_key",
    "host_refusal",
    "patient_api",
    "problem",
    "product",
];

impl PolicyFiles {
    /// The deployed files.
    pub fn deployed() -> Self {
        let owned = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
        Self(DEPLOYED.iter().map(owned).collect())
    }

    /// Replaces or adds a file by name, such as `caller`.
    #[must_use]
    pub fn with(mut self, name: &str, text: &str) -> Self {
        self.0.retain(|(other, _)| other != name);
        self.0.push((name.to_owned(), text.to_owned()));
        self
    }

    /// The names and texts of all files.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, text)| (name.as_str(), text.as_str()))
    }

    /// Renders a file as Terraform does.
    pub(super) fn render(&self, name: &str, values: &Values) -> Result<Rendered, PolicyError> {
        let error = |line, message| PolicyError { file: file(name), line, message };
        let (_, text) = self
            .iter()
            .find(|(other, _)| *other == name)
            .ok_or_else(|| error(1, "there is no such file".to_owned()))?;
        template::render(text, values).map_err(|cause| error(cause.line, cause.message))
    }
}

/// The name of a policy's file.
pub(super) fn file(name: &str) -> String {
    format!("{name}{SUFFIX}")
}

//! The policy files that Terraform deploys, compiled in.

use super::template;
use super::template::Rendered;
use super::values::Values;

/// Where the files lie, for messages.
const FOLDER: &str = "terraform/policies";

/// What follows the name of a policy in the name of its file.
const SUFFIX: &str = ".xml.tftpl";

/// Policy files, which are read when a gateway starts.
#[derive(Clone, Debug)]
pub struct PolicyFiles(Vec<(String, String)>);

/// What is wrong with a policy file.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{FOLDER}/{file}:{line}: {message}")]
pub struct PolicyError {
    /// `caller.xml.tftpl`.
    pub file: String,
    /// The line of the file, not of what was made of it.
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
    /// The files as they are deployed.
    pub fn deployed() -> Self {
        let owned = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
        Self(DEPLOYED.iter().map(owned).collect())
    }

    /// The same with another text in the file of this name, as `caller`; it may be a new file.
    #[must_use]
    pub fn with(mut self, name: &str, text: &str) -> Self {
        self.0.retain(|(other, _)| other != name);
        self.0.push((name.to_owned(), text.to_owned()));
        self
    }

    /// The names of all files, as `caller`, with their texts.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, text)| (name.as_str(), text.as_str()))
    }

    /// A file as Terraform would render it.
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

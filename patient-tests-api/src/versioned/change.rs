//! The changes of a record, and the version that follows from each.

use shared::{Error, Preconditions, Result, Version};

use super::VersionedDocument;

/// A change of a stored record, under the preconditions of a request.
pub(crate) struct Change<C> {
    pub(super) kind: Kind<C>,
    pub(super) preconditions: Preconditions,
}

/// What changes.
pub(super) enum Kind<C> {
    /// The content is replaced.
    Replace(C),
    /// The record is marked as deleted and keeps its content.
    Delete,
    /// The content of an earlier version becomes current, also after a deletion.
    Restore { version: Version, content: C },
}

/// Whether a change makes a new version.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    NewVersion,
    /// The record is already as the change would make it.
    None,
}

impl<C> Change<C> {
    /// Replaces the content.
    pub(crate) fn replace(content: C, preconditions: Preconditions) -> Self {
        Self { kind: Kind::Replace(content), preconditions }
    }

    /// Marks the record as deleted.
    pub(crate) fn delete(preconditions: Preconditions) -> Self {
        Self { kind: Kind::Delete, preconditions }
    }
}

impl<C: Clone + PartialEq> Change<C> {
    /// Applies the change to the current version.
    ///
    /// A delete of a deleted record has no effect, whatever the preconditions, so that it can be
    /// repeated (RFC 9110, section 13.1.1).
    ///
    /// # Errors
    /// [`Error::Deleted`], [`Error::VersionMismatch`].
    pub(super) fn apply<K>(&self, record: &mut VersionedDocument<K, C>) -> Result<Effect> {
        let current = record.version();
        match &self.kind {
            Kind::Replace(content) => {
                if record.deleted {
                    return Err(Error::Deleted);
                }
                self.preconditions.check_write(current)?;
                record.content = content.clone();
                record.restored_version = None;
            }
            Kind::Delete => {
                if record.deleted {
                    return Ok(Effect::None);
                }
                self.preconditions.check_write(current)?;
                record.deleted = true;
                record.restored_version = None;
            }
            Kind::Restore { version, content } => {
                self.preconditions.check_write(current)?;
                if !record.deleted && record.content == *content {
                    return Ok(Effect::None);
                }
                record.content = content.clone();
                record.deleted = false;
                record.restored_version = Some(*version);
            }
        }
        Ok(Effect::NewVersion)
    }
}

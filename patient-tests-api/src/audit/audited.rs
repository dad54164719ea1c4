//! The types that functions exchange with the audit module.

use shared::Id;
use shared::health::Healthy;
use shared::http::Response;
use shared::mongo::Insertion;
use shared::page::Page;

use crate::ids::AuditRecordId;

/// A response that may be sent. Only the audit module makes one, so no function can return data
/// without an audit record.
#[derive(Debug)]
pub(crate) struct Audited {
    pub(super) response: Response,
}

/// Proof that the register has confirmed an announced write. Only
/// [`AuditRegister::write`](super::AuditRegister::write) makes one, and the stores require it for
/// every write.
#[derive(Debug)]
pub(crate) struct Intent {
    pub(super) id: AuditRecordId,
}

/// A response that is not released yet, and the identifiers of the records in it.
pub(crate) struct Disclosure {
    pub(super) ids: Vec<String>,
    pub(super) response: Response,
}

/// The response to a completed write.
pub(crate) struct Written {
    pub(super) response: Response,
    /// The record that an earlier request created, if this one returns it again.
    pub(super) replayed: Option<String>,
}

impl Audited {
    /// The response of a health check, which has no data and needs no audit record.
    pub(crate) fn without_data(healthy: Healthy) -> Self {
        Self { response: healthy.into_response() }
    }

    /// The response, for the dispatch to return.
    pub(crate) fn into_response(self) -> Response {
        self.response
    }
}

impl Intent {
    /// The id of the audit record, to be stored with the new version.
    pub(crate) fn id(&self) -> AuditRecordId {
        self.id
    }
}

impl Disclosure {
    /// A response with these records.
    pub(crate) fn of<T>(ids: impl IntoIterator<Item = Id<T>>, response: Response) -> Self {
        Self { ids: ids.into_iter().map(|id| id.to_string()).collect(), response }
    }

    /// A response with a page of records.
    pub(crate) fn page<T>(page: Page<T>) -> Self {
        let ids = page.ids().iter().map(Id::to_string).collect();
        Self { ids, response: page.into_response() }
    }

    /// A response without records.
    pub(crate) fn nothing(response: Response) -> Self {
        Self { ids: Vec::new(), response }
    }
}

impl Written {
    /// The response to a change.
    pub(crate) fn changed(response: Response) -> Self {
        Self { response, replayed: None }
    }

    /// The response to an insert of the record `id`; `created` makes it.
    pub(crate) fn inserted<K, T>(
        id: Id<K>,
        insertion: Insertion<T>,
        created: impl FnOnce(&T) -> Response,
    ) -> Self {
        match insertion {
            Insertion::New(record) => Self::changed(created(&record)),
            Insertion::Replayed(record) => {
                Self { response: created(&record).replayed(), replayed: Some(id.to_string()) }
            }
        }
    }
}

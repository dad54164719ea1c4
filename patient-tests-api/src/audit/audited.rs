//! What a function hands to the register, and what it gets back to return.

use shared::Id;
use shared::health::Healthy;
use shared::http::Response;
use shared::mongo::Insertion;
use shared::page::Page;

use crate::ids::AuditRecordId;

/// A response that may leave the app. Only the audit module makes one, so a function cannot return
/// data past the register.
#[derive(Debug)]
pub(crate) struct Audited {
    pub(super) response: Response,
}

/// Proof that the register has confirmed a write that is about to happen. Only
/// [`AuditRegister::write`](super::AuditRegister::write) makes one, and a store writes nothing
/// without.
#[derive(Debug)]
pub(crate) struct Intent {
    pub(super) id: AuditRecordId,
}

/// A response that waits for its release, and the identifiers of the records in it.
pub(crate) struct Disclosure {
    pub(super) ids: Vec<String>,
    pub(super) response: Response,
}

/// The response to a write that happened.
pub(crate) struct Written {
    pub(super) response: Response,
    /// The record that an earlier request created and that is returned again.
    pub(super) replayed: Option<String>,
}

impl Audited {
    /// The answer of a health check, which has no data in it and needs no record.
    pub(crate) fn without_data(healthy: Healthy) -> Self {
        Self { response: healthy.into_response() }
    }

    /// The response itself, for the dispatch to return.
    pub(crate) fn into_response(self) -> Response {
        self.response
    }
}

impl Intent {
    /// The audit record that the written version must name.
    pub(crate) fn id(&self) -> AuditRecordId {
        self.id
    }
}

impl Disclosure {
    /// A response with these records in it.
    pub(crate) fn of<T>(ids: impl IntoIterator<Item = Id<T>>, response: Response) -> Self {
        Self { ids: ids.into_iter().map(|id| id.to_string()).collect(), response }
    }

    /// A response with a page of records.
    pub(crate) fn page<T>(page: Page<T>) -> Self {
        let ids = page.ids().iter().map(Id::to_string).collect();
        Self { ids, response: page.into_response() }
    }

    /// A response without any record.
    pub(crate) fn nothing(response: Response) -> Self {
        Self { ids: Vec::new(), response }
    }
}

impl Written {
    /// The response to a change.
    pub(crate) fn changed(response: Response) -> Self {
        Self { response, replayed: None }
    }

    /// The response to an insert of the record `id`, made by `created`.
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

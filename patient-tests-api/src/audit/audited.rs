//! The types that functions exchange with the audit module.

use std::fmt::Display;

use shared::health::Healthy;
use shared::http::Response;
use shared::mongo::Insertion;
use shared::page::Page;
use shared::{Id, Version};

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
    pub(super) version: Option<Version>,
    pub(super) response: Response,
}

/// The response to a completed write.
pub(crate) struct Written {
    pub(super) response: Response,
    /// The identifiers of the disclosed records, if the request changed nothing: then no version
    /// names the intent.
    pub(super) unchanged: Option<Vec<String>>,
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
    /// A response with this version of a record.
    pub(crate) fn one<T>(id: Id<T>, version: Version, response: Response) -> Self {
        Self { ids: vec![id.to_string()], version: Some(version), response }
    }

    /// A response with a page of records.
    pub(crate) fn page<T>(page: Page<Id<T>>) -> Self {
        let ids = page.keys().iter().map(Id::to_string).collect();
        Self { ids, version: None, response: page.into_response() }
    }

    /// A response with a page of facts about one record.
    pub(crate) fn page_about<T, K: Copy + Display>(id: Id<T>, page: Page<K>) -> Self {
        Self { ids: vec![id.to_string()], version: None, response: page.into_response() }
    }

    /// A response that names these records.
    pub(crate) fn of(ids: Vec<String>, response: Response) -> Self {
        Self { ids, version: None, response }
    }

    /// A response without records.
    pub(crate) fn nothing(response: Response) -> Self {
        Self { ids: Vec::new(), version: None, response }
    }
}

impl Written {
    /// The response to a change.
    pub(crate) fn changed(response: Response) -> Self {
        Self { response, unchanged: None }
    }

    /// The response to a request that changed nothing, with these records.
    pub(crate) fn unchanged<T>(ids: impl IntoIterator<Item = Id<T>>, response: Response) -> Self {
        let ids = ids.into_iter().map(|id| id.to_string()).collect();
        Self { response, unchanged: Some(ids) }
    }

    /// The response to an insert of the record `id`; `created` makes it.
    pub(crate) fn inserted<K, T>(
        id: Id<K>,
        insertion: Insertion<T>,
        created: impl FnOnce(&T) -> Response,
    ) -> Self {
        match insertion {
            Insertion::New(record) => Self::changed(created(&record)),
            Insertion::Replayed(record) => Self::unchanged([id], created(&record).replayed()),
        }
    }
}

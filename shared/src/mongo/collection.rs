//! Operations on one collection, each retried within the deadline.

use std::marker::PhantomData;
use std::sync::Arc;

use futures_util::TryStreamExt;
use mongodb::bson::{Document, doc};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tracing::{Instrument, field};

use super::Database;
use super::database::Connection;
use super::retry;
use crate::{Deadline, Error, RequestHash, Result};

/// A collection of documents of type `T`.
pub struct Collection<T> {
    database: Arc<Database>,
    name: &'static str,
    documents: PhantomData<fn() -> T>,
}

/// A document that is inserted once, however often its request is repeated.
pub trait Insertable {
    /// The filter that finds exactly this document: `_id` and `_shardKey`.
    fn key(&self) -> Document;

    /// The hash of the request that made it, if it was noted.
    fn request_hash(&self) -> Option<&RequestHash>;
}

/// What became of an insert.
#[derive(Debug)]
pub enum Insertion<T> {
    /// It is stored.
    New(T),
    /// It had been stored before, as this: by an earlier request of the same content, or by an
    /// attempt of ours whose answer was lost.
    Replayed(T),
}

impl<T> Insertion<T> {
    /// The same outcome for something else.
    pub fn map<U>(self, convert: impl FnOnce(T) -> U) -> Insertion<U> {
        match self {
            Self::New(value) => Insertion::New(convert(value)),
            Self::Replayed(value) => Insertion::Replayed(convert(value)),
        }
    }
}

impl<T: Serialize + DeserializeOwned + Send + Sync + Unpin> Collection<T> {
    /// The collection `name` of a database.
    pub fn new(database: Arc<Database>, name: &'static str) -> Self {
        Self { database, name, documents: PhantomData }
    }

    /// Stores a new document, unless the same request stored it before.
    ///
    /// The identifier decides, so there is no race between looking and inserting.
    ///
    /// # Errors
    /// [`Error::IdempotencyKeyReused`] if another request stored a document under its identifier;
    /// throttled, unavailable or internal.
    pub async fn insert_once(&self, document: T, deadline: Deadline) -> Result<Insertion<T>>
    where
        T: Insertable,
    {
        let inserted = &document;
        let outcome =
            self.run("insert", deadline, |collection| async move {
                collection.insert_one(inserted).await
            })
            .await?;
        match outcome {
            Ok(_) => Ok(Insertion::New(document)),
            Err(failure) if failure.is_duplicate() => self.replay(&document, deadline).await,
            Err(failure) => Err(failure.into()),
        }
    }

    async fn replay(&self, document: &T, deadline: Deadline) -> Result<Insertion<T>>
    where
        T: Insertable,
    {
        match self.find_one(&document.key(), deadline).await? {
            Some(stored) if stored.request_hash() == document.request_hash() => {
                Ok(Insertion::Replayed(stored))
            }
            // It has other content, or lies under another shard key.
            Some(_) | None => Err(Error::IdempotencyKeyReused),
        }
    }

    /// The document that matches, if there is one.
    ///
    /// # Errors
    /// Throttled, unavailable or internal.
    pub async fn find_one(&self, filter: &Document, deadline: Deadline) -> Result<Option<T>> {
        Ok(self
            .run(
                "find",
                deadline,
                |collection| async move { collection.find_one(filter.clone()).await },
            )
            .await??)
    }

    /// Proves that the collection can be read, with the credentials of now: by the point read of a
    /// document that nobody has, since identifiers are GUIDs. Cosmos DB asks one request unit for
    /// it; a `ping` would ask for no rights.
    ///
    /// # Errors
    /// Throttled, unavailable or internal.
    pub async fn check(&self, deadline: Deadline) -> Result<()> {
        let nobody = doc! { "_id": "health", "_shardKey": "health" };
        self.find_one(&nobody, deadline).await.map(|_| ())
    }

    /// The first `limit` documents that match, sorted by `_id`.
    ///
    /// # Errors
    /// Throttled, unavailable or internal.
    pub async fn find_sorted(
        &self,
        filter: &Document,
        limit: usize,
        deadline: Deadline,
    ) -> Result<Vec<T>> {
        let batch_size = u32::try_from(limit).unwrap_or(u32::MAX);
        Ok(self
            .run("find", deadline, |collection| async move {
                let found = collection
                    .find(filter.clone())
                    .sort(doc! { "_id": 1 })
                    .limit(i64::from(batch_size))
                    .batch_size(batch_size)
                    .await?;
                found.try_collect().await
            })
            .await??)
    }

    /// Puts `document` in place of the one that matches; says whether one did.
    ///
    /// # Errors
    /// Throttled, unavailable or internal.
    pub async fn replace_one(
        &self,
        filter: &Document,
        document: &T,
        deadline: Deadline,
    ) -> Result<bool> {
        let replaced = self
            .run("update", deadline, |collection| async move {
                collection.replace_one(filter.clone(), document).await
            })
            .await??;
        Ok(replaced.matched_count > 0)
    }

    /// Runs an operation; if the database no longer takes our credentials, with newer ones.
    async fn run<O, F>(
        &self,
        operation: &'static str,
        deadline: Deadline,
        attempt: impl Fn(mongodb::Collection<T>) -> F,
    ) -> Result<Result<O, retry::Failure>>
    where
        F: Future<Output = Result<O, mongodb::error::Error>>,
    {
        let attempt = &attempt;
        let run = self.database.with_connection(deadline, |connection| async move {
            // A pool that can no longer authenticate fails in many ways, so each attempt takes the
            // newest one that anybody has made meanwhile.
            let attempt = || attempt(self.of(&self.database.newest(&connection)));
            retry::run(operation, self.name, deadline, attempt).await
        });
        // The names are those of OpenTelemetry's conventions for databases.
        let span = tracing::info_span!(
            "mongo",
            otel.name = operation,
            otel.kind = "client",
            otel.status_code = field::Empty,
            db.system.name = "mongodb",
            db.namespace = self.database.name(),
            db.collection.name = self.name,
            attempts = field::Empty,
        );
        let outcome = run.instrument(span.clone()).await;
        let succeeded = match &outcome {
            Ok(Ok(_)) => true,
            // What a duplicate means is for the caller to say.
            Ok(Err(failure)) => failure.is_duplicate(),
            Err(_) => false,
        };
        span.record("otel.status_code", if succeeded { "OK" } else { "ERROR" });
        outcome
    }

    fn of(&self, connection: &Connection) -> mongodb::Collection<T> {
        connection.database.collection(self.name)
    }
}

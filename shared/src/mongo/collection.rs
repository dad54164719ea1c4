//! Operations on one collection, each retried within the deadline.

use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::TryStreamExt;
use futures_util::future::join_all;
use mongodb::bson::{Document, doc};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tracing::{Instrument, field};

use super::Database;
use super::batch::{Batch, End};
use super::database::Connection;
use super::retry;
use crate::{Deadline, Error, RequestHash, Result};

/// A collection of documents of type `T`.
pub struct Collection<T> {
    database: Arc<Database>,
    name: &'static str,
    documents: PhantomData<fn() -> T>,
}

/// A document that is inserted once, even if its request is repeated.
pub trait Insertable {
    /// The filter that finds exactly this document: `_id` and `_shardKey`.
    fn key(&self) -> Document;

    /// The hash of the request that created it, if it was stored.
    fn request_hash(&self) -> Option<&RequestHash>;
}

/// The outcome of an insert.
#[derive(Debug)]
pub enum Insertion<T> {
    /// It is stored.
    New(T),
    /// An earlier request with the same content stored it.
    Replayed(T),
}

impl<T> Insertion<T> {
    /// The same outcome with a converted document.
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

    /// Inserts a document, unless the same request stored it before: then the result is the stored
    /// document.
    ///
    /// The unique identifier decides, so there is no race between lookup and insert.
    ///
    /// # Errors
    /// [`Error::IdempotencyKeyReused`] if a different request used the identifier;
    /// [`Error::Unconfirmed`] if it may have been stored; throttled, unavailable or internal.
    pub async fn insert_once(&self, document: &T, deadline: Deadline) -> Result<Option<T>>
    where
        T: Insertable,
    {
        if self.insert(document, deadline).await? {
            return Ok(None);
        }
        self.stored_once(document, deadline).await
    }

    /// Inserts documents with one command, each as [`Self::insert_once`] does. The results are in the
    /// same order; a document that fails leaves the others alone.
    pub async fn insert_each_once(
        &self,
        documents: &[T],
        deadline: Deadline,
    ) -> Vec<Result<Option<T>>>
    where
        T: Insertable,
    {
        // The driver refuses a command without documents.
        if documents.is_empty() {
            return Vec::new();
        }
        let batch = Batch::of(documents.len());
        let attempt = |collection: mongodb::Collection<T>| {
            let batch = &batch;
            async move {
                let sent = batch.waiting();
                let documents = sent.iter().map(|index| &documents[*index]);
                let outcome = collection.insert_many(documents).ordered(false).await;
                batch.note(&sent, outcome.map(|_| ()))
            }
        };
        let ended = self.write("insert", deadline, attempt).await;
        let ended = ended.and_then(|outcome| outcome.map_err(Error::from));
        let ends = batch.into_ends(ended).into_iter().zip(documents);
        join_all(ends.map(|(end, document)| async move {
            match end {
                End::Inserted => Ok(None),
                End::Duplicate => self.stored_once(document, deadline).await,
                End::Failed(error) => Err(error),
            }
        }))
        .await
    }

    /// The document that is stored under the identifier of this one, which could not be inserted.
    async fn stored_once(&self, document: &T, deadline: Deadline) -> Result<Option<T>>
    where
        T: Insertable,
    {
        let stored = self.find_one(&document.key(), deadline).await;
        match stored.map_err(Error::of_unconfirmed_write)? {
            Some(stored) if stored.request_hash() == document.request_hash() => Ok(Some(stored)),
            // It has other content, or is stored under another shard key.
            Some(_) | None => Err(Error::IdempotencyKeyReused),
        }
    }

    /// Inserts a document unless there is one with its identifier; returns whether there was none.
    ///
    /// # Errors
    /// [`Error::Unconfirmed`] if it may have been stored; throttled, unavailable or internal.
    pub async fn insert(&self, document: &T, deadline: Deadline) -> Result<bool> {
        let attempt = |collection: mongodb::Collection<T>| async move {
            collection.insert_one(document).await
        };
        match self.write("insert", deadline, attempt).await? {
            Ok(_) => Ok(true),
            Err(failure) if failure.is_duplicate() => Ok(false),
            Err(failure) => Err(failure.into()),
        }
    }

    /// The document that matches, if any.
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

    /// Proves that the collection can be read with the current credentials, by a point read of a
    /// document that cannot exist, since identifiers are GUIDs. It costs one request unit on Cosmos
    /// DB; `ping` would need no permissions.
    ///
    /// # Errors
    /// Throttled, unavailable or internal.
    pub async fn check(&self, deadline: Deadline) -> Result<()> {
        let nobody = doc! { "_id": "health", "_shardKey": "health" };
        self.find_one(&nobody, deadline).await.map(|_| ())
    }

    /// The first `limit` documents that match, in the order `sort`, which needs an index: Cosmos DB
    /// sorts by no other.
    ///
    /// # Errors
    /// Throttled, unavailable or internal.
    pub async fn find_sorted(
        &self,
        filter: &Document,
        sort: &Document,
        limit: usize,
        deadline: Deadline,
    ) -> Result<Vec<T>> {
        let batch_size = u32::try_from(limit).unwrap_or(u32::MAX);
        Ok(self
            .run("find", deadline, |collection| async move {
                let found = collection
                    .find(filter.clone())
                    .sort(sort.clone())
                    .limit(i64::from(batch_size))
                    .batch_size(batch_size)
                    .await?;
                found.try_collect().await
            })
            .await??)
    }

    /// The named fields of all documents that match; a reply of the database has `count` of them.
    ///
    /// # Errors
    /// Throttled, unavailable or internal.
    pub async fn find_fields<F>(
        &self,
        filter: &Document,
        fields: &Document,
        count: usize,
        deadline: Deadline,
    ) -> Result<Vec<F>>
    where
        F: DeserializeOwned + Send + Sync,
    {
        // If there are no more than that, one command gets them all.
        let batch_size = u32::try_from(count).unwrap_or(u32::MAX).saturating_add(1);
        Ok(self
            .run("find", deadline, |collection| async move {
                let found = collection
                    .clone_with_type::<F>()
                    .find(filter.clone())
                    .projection(fields.clone())
                    .batch_size(batch_size)
                    .await?;
                found.try_collect().await
            })
            .await??)
    }

    /// Replaces the document that matches; returns whether there was one.
    ///
    /// # Errors
    /// [`Error::Unconfirmed`] if it may have been replaced; throttled, unavailable or internal.
    pub async fn replace_one(
        &self,
        filter: &Document,
        document: &T,
        deadline: Deadline,
    ) -> Result<bool> {
        let attempt = |collection: mongodb::Collection<T>| async move {
            collection.replace_one(filter.clone(), document).await
        };
        let replaced = self.write("update", deadline, attempt).await??;
        Ok(replaced.matched_count > 0)
    }

    /// Runs a write. If it fails after an attempt that the server may have executed, the error is
    /// [`Error::Unconfirmed`]. A duplicate is no failure here: the server has found the document.
    async fn write<O, F>(
        &self,
        operation: &'static str,
        deadline: Deadline,
        attempt: impl Fn(mongodb::Collection<T>) -> F,
    ) -> Result<Result<O, retry::Failure>>
    where
        F: Future<Output = Result<O, mongodb::error::Error>>,
    {
        // An attempt that is cut short stays in here.
        let unanswered = AtomicUsize::new(0);
        let counted = |collection| {
            let (attempt, unanswered) = (attempt(collection), &unanswered);
            async move {
                unanswered.fetch_add(1, Ordering::Relaxed);
                let outcome = attempt.await;
                if !outcome.as_ref().is_err_and(retry::may_have_run) {
                    unanswered.fetch_sub(1, Ordering::Relaxed);
                }
                outcome
            }
        };
        let outcome = self.run(operation, deadline, counted).await;
        let may_have_run = unanswered.into_inner() > 0;
        match outcome {
            Ok(Err(failure)) if may_have_run && !failure.is_duplicate() => {
                Err(Error::from(failure).of_unconfirmed_write())
            }
            Err(error) if may_have_run => Err(error.of_unconfirmed_write()),
            outcome => outcome,
        }
    }

    /// Runs an operation, and again with newer credentials if the database refuses the current
    /// ones.
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
            // A pool whose credentials were revoked fails in many ways, so each attempt uses the
            // newest pool.
            let attempt = || attempt(self.of(&self.database.newest(&connection)));
            retry::run(operation, self.name, deadline, attempt).await
        });
        // OpenTelemetry's semantic conventions for databases define these names.
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
            // The caller decides what a duplicate means.
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

//! `MongoDB` as Cosmos DB offers it: single-document operations, no transactions, all repeatable.

mod batch;
mod collection;
mod database;
mod retry;

pub use collection::{Collection, Insertable, Insertion};
pub use database::{CollectionPlan, Database, StoragePlan};

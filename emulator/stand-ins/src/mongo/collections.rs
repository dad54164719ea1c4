//! Creates the collections and indexes that the apps declare.

use mongodb::bson::Document;
use mongodb::error::{Error, ErrorKind};
use mongodb::{Client, Database, IndexModel};
use serde::Deserialize;

/// MongoDB's code for "a collection of that name exists".
const NAMESPACE_EXISTS: i32 = 48;

/// A collection, as `<app executable> collections` prints it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CollectionPlan {
    /// The collection's name.
    pub name: String,
    /// The partition key in Cosmos DB; a plain mongod ignores it.
    pub shard_key: String,
    /// The indexes besides `_id`.
    pub indexes: Vec<Index>,
}

/// The fields of an index, all ascending.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Index {
    /// Several fields, or one.
    Fields(Vec<String>),
    /// A single field, as older builds print it; the bench compares them with the current build.
    Field(String),
}

/// Creates missing collections and indexes; existing ones are left unchanged.
///
/// # Errors
/// If the server cannot be reached, or a command fails.
pub async fn create_collections(
    connection_string: &str,
    database: &str,
    collections: &[CollectionPlan],
) -> Result<(), Error> {
    let client = Client::with_uri_str(connection_string).await?;
    let database = client.database(database);
    for plan in collections {
        create_collection(&database, plan).await?;
    }
    Ok(())
}

async fn create_collection(database: &Database, plan: &CollectionPlan) -> Result<(), Error> {
    match database.create_collection(&plan.name).await {
        Err(error) if !already_exists(&error) => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let indexes = plan.indexes.iter().map(|index| {
        let fields = match index {
            Index::Fields(fields) => fields.as_slice(),
            Index::Field(field) => std::slice::from_ref(field),
        };
        let keys: Document = fields.iter().map(|field| (field.clone(), 1.into())).collect();
        IndexModel::builder().keys(keys).build()
    });
    let indexes: Vec<_> = indexes.collect();
    if !indexes.is_empty() {
        let collection = database.collection::<Document>(&plan.name);
        collection.create_indexes(indexes).await?;
    }
    Ok(())
}

fn already_exists(error: &Error) -> bool {
    matches!(error.kind.as_ref(), ErrorKind::Command(refusal) if refusal.code == NAMESPACE_EXISTS)
}

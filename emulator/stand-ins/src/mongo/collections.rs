//! Collections and indexes, as the apps want them.

use mongodb::bson::Document;
use mongodb::error::{Error, ErrorKind};
use mongodb::{Client, Database, IndexModel};
use serde::Deserialize;

/// MongoDB's code for "a collection of that name exists".
const NAMESPACE_EXISTS: i32 = 48;

/// One collection, as `<app executable> collections` prints it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CollectionPlan {
    /// The collection's name.
    pub name: String,
    /// What Cosmos DB partitions by; a mongod of one's own has no use for it.
    pub shard_key: String,
    /// The indexes beside that of `_id`.
    pub indexes: Vec<Index>,
}

/// The fields of an index, all ascending.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Index {
    /// Several, or one.
    Fields(Vec<String>),
    /// One, as older builds say it, with which the bench compares the present one.
    Field(String),
}

/// Creates what is missing; what is there already stays as it is.
///
/// # Errors
/// If the server cannot be reached, or refuses.
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

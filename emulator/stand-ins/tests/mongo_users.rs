//! A mongod with an administrator requires a user name and a password.

use std::path::Path;

use mongodb::Client;
use mongodb::bson::{Document, doc};
use mongodb::error::Error;
use stand_ins::mongo::{Credentials, Mongod, MongodError, MongodOptions};

fn credentials(user: &str, password: &str) -> Credentials {
    Credentials { user: user.to_owned(), password: password.to_owned() }
}

fn with_administrator(data: Option<&Path>) -> MongodOptions {
    let administrator = Some(credentials("administrator", "p/@:%"));
    MongodOptions { data: data.map(Into::into), administrator, ..MongodOptions::default() }
}

/// Whether a client with this connection string may write to a database.
async fn insert(connection_string: &str, database: &str) -> Result<(), Error> {
    let client = Client::with_uri_str(connection_string).await.expect("it is valid");
    let things = client.database(database).collection::<Document>("things");
    things.insert_one(doc! {}).await.map(drop)
}

#[tokio::test]
async fn access_requires_a_password() {
    let server = Mongod::start(with_administrator(None)).await.expect("it starts");
    let administrator = server.connection_string();
    let (_, address) = administrator.rsplit_once('@').expect("it names the administrator");

    insert(&format!("mongodb://{address}"), "one").await.expect_err("nobody");
    let wrong = server.connection_string_of(&credentials("administrator", "wrong"));
    insert(&wrong, "one").await.expect_err("a wrong password");
    insert(&administrator, "one").await.expect("the administrator");
}

#[tokio::test]
async fn a_user_may_touch_one_database() {
    let server = Mongod::start(with_administrator(None)).await.expect("it starts");
    let user = credentials("user-1", "first");
    server.set_user(&user, "mine").await.expect("created");
    let connection_string = server.connection_string_of(&user);

    insert(&connection_string, "mine").await.expect("inserted");
    insert(&connection_string, "another").await.expect_err("not the user's");
}

#[tokio::test]
async fn a_changed_password_replaces_the_old_one() {
    let server = Mongod::start(with_administrator(None)).await.expect("it starts");
    let old = credentials("user-1", "old");
    let new = credentials("user-1", "new");
    server.set_user(&old, "mine").await.expect("created");

    server.set_user(&new, "mine").await.expect("changed");

    insert(&server.connection_string_of(&old), "mine").await.expect_err("the old password");
    insert(&server.connection_string_of(&new), "mine").await.expect("the new password");
}

#[tokio::test]
async fn a_dropped_user_loses_access_on_open_connections_too() {
    let server = Mongod::start(with_administrator(None)).await.expect("it starts");
    let user = credentials("user-1", "password");
    server.set_user(&user, "mine").await.expect("created");
    let client = Client::with_uri_str(server.connection_string_of(&user)).await.expect("valid");
    let things = client.database("mine").collection::<Document>("things");
    things.insert_one(doc! {}).await.expect("inserted");

    for _ in 0..2 {
        server.drop_user("user-1").await.expect("gone, or gone already");
    }

    things.insert_one(doc! {}).await.expect_err("the user is gone");
}

#[tokio::test]
async fn existing_data_is_kept_when_users_are_added() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let options = MongodOptions { data: Some(data.clone()), ..MongodOptions::default() };
    let before = Mongod::start(options).await.expect("it starts");
    insert(&before.connection_string(), "mine").await.expect("inserted");
    before.stop().await;

    // The first start creates the administrator, the second one finds it.
    for _ in 0..2 {
        let server = Mongod::start(with_administrator(Some(&data))).await.expect("it starts");
        let client = Client::with_uri_str(server.connection_string()).await.expect("valid");
        let things = client.database("mine").collection::<Document>("things");
        assert_eq!(things.count_documents(doc! {}).await.expect("counted"), 1);
        server.stop().await;
    }
}

#[tokio::test]
async fn another_administrator_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let options = with_administrator(Some(folder.path()));
    Mongod::start(options.clone()).await.expect("it starts").stop().await;

    let administrator = Some(credentials("administrator", "hush"));
    let started = Mongod::start(MongodOptions { administrator, ..options }).await;

    let error = started.expect_err("it has another password");
    assert!(matches!(error, MongodError::Administrator(_)), "{error}");
    assert!(!format!("{error} {error:?}").contains("hush"), "{error:?}");
}

#[tokio::test]
async fn a_replica_set_has_users_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let options = MongodOptions { replica_set: true, ..with_administrator(Some(folder.path())) };

    let mut server = Mongod::start(options).await.expect("it starts");
    server.set_user(&credentials("user-1", "password"), "mine").await.expect("created");
    server.restart().await.expect("it starts again");

    let user = credentials("user-1", "password");
    insert(&server.connection_string_of(&user), "mine").await.expect("inserted");
}

#[tokio::test]
async fn a_server_without_an_administrator_has_no_users() {
    let server = Mongod::start(MongodOptions::default()).await.expect("it starts");

    let refusal = server.set_user(&credentials("user-1", "password"), "mine").await;

    assert!(matches!(refusal, Err(MongodError::NoUsers)), "{refusal:?}");
}

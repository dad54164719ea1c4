//! The users of a server and their permissions.

use std::fmt;

use mongodb::bson::{Document, doc};
use mongodb::error::{Error, ErrorKind};
use mongodb::{Client, Database};

use super::{MongodError, Proxy};
use serde::{Deserialize, Serialize};

/// The database that stores all users.
pub(super) const USER_DATABASE: &str = "admin";

/// MongoDB's error code for "requires authentication".
const UNAUTHORIZED: i32 = 13;

/// MongoDB's code for "a user of that name exists".
const USER_EXISTS: i32 = 51003;

/// MongoDB's code for "there is no such user".
const USER_NOT_FOUND: i32 = 11;

/// A user name and password; `Debug` omits the password.
#[derive(Clone, Deserialize, PartialEq, Eq, Serialize)]
pub struct Credentials {
    /// The user's name.
    pub user: String,
    /// The password.
    pub password: String,
}

/// Manages the users of a server as its administrator.
#[derive(Clone, Debug)]
pub struct Users {
    administrator: Credentials,
    address: String,
    /// The address in users' connection strings.
    address_for_users: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Credentials").field("user", &self.user).finish_non_exhaustive()
    }
}

impl Credentials {
    /// The connection string for the server at this address; options can be appended with `&`.
    pub(super) fn connection_string(&self, address: &str) -> String {
        let (user, password) = (percent_encode(&self.user), percent_encode(&self.password));
        format!(
            "mongodb://{user}:{password}@{address}/?directConnection=true&authSource={USER_DATABASE}"
        )
    }
}

/// Creates the administrator, which anyone on this machine may do while there are no users;
/// otherwise checks the administrator's password.
pub(super) async fn ensure_administrator(
    anyone: &Client,
    administrator: &Credentials,
    address: &str,
) -> Result<(), Error> {
    let create = user_command("createUser", administrator, doc! { "role": "root", "db": "admin" });
    match anyone.database(USER_DATABASE).run_command(create).await {
        Err(error) if has_code(&error, UNAUTHORIZED) => {}
        created => return created.map(drop),
    }
    let client = Client::with_uri_str(administrator.connection_string(address)).await?;
    client.database(USER_DATABASE).run_command(doc! { "ping": 1 }).await.map(drop)
}

impl Users {
    pub(super) fn new(administrator: Credentials, address: String) -> Self {
        Self { administrator, address_for_users: address.clone(), address }
    }

    /// The same users, whose connection strings lead through a proxy.
    pub fn through(self, proxy: &Proxy) -> Self {
        Self { address_for_users: proxy.address().to_string(), ..self }
    }

    /// The connection string of a user; further options can be appended with `&`.
    pub fn connection_string_of(&self, user: &Credentials) -> String {
        user.connection_string(&self.address_for_users)
    }

    /// Creates a user with read and write access to one database, or changes the password of the
    /// user of that name.
    ///
    /// # Errors
    /// If the command fails.
    pub async fn set(&self, user: &Credentials, database: &str) -> Result<(), MongodError> {
        let role = doc! { "role": "readWrite", "db": database };
        let users = self.database().await?;
        let created = match users.run_command(user_command("createUser", user, role.clone())).await
        {
            Err(error) if has_code(&error, USER_EXISTS) => {
                users.run_command(user_command("updateUser", user, role)).await
            }
            created => created,
        };
        created.map(|_| ()).map_err(|cause| MongodError::User { user: user.user.clone(), cause })
    }

    /// Removes a user, if it exists; its open connections lose their access.
    ///
    /// # Errors
    /// If the command fails.
    pub async fn drop(&self, name: &str) -> Result<(), MongodError> {
        match self.database().await?.run_command(doc! { "dropUser": name }).await {
            Err(cause) if !has_code(&cause, USER_NOT_FOUND) => {
                Err(MongodError::User { user: name.to_owned(), cause })
            }
            Ok(_) | Err(_) => Ok(()),
        }
    }

    async fn database(&self) -> Result<Database, MongodError> {
        let client =
            Client::with_uri_str(self.administrator.connection_string(&self.address)).await?;
        Ok(client.database(USER_DATABASE))
    }
}

fn user_command(command: &str, credentials: &Credentials, role: Document) -> Document {
    let Credentials { user, password } = credentials;
    doc! { command: user, "pwd": password, "roles": [role], "mechanisms": ["SCRAM-SHA-256"] }
}

fn has_code(error: &Error, code: i32) -> bool {
    matches!(error.kind.as_ref(), ErrorKind::Command(refusal) if refusal.code == code)
}

/// Encodes everything but letters, digits and `-._~` (RFC 3986, section 2.3).
fn percent_encode(text: &str) -> String {
    let encoded = text.bytes().map(|byte| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    });
    encoded.collect()
}

#[cfg(test)]
mod tests {
    use super::Credentials;

    #[test]
    fn a_connection_string_holds_any_name_and_password() {
        let credentials = Credentials { user: "app-1".to_owned(), password: "p/@:% é".to_owned() };

        assert_eq!(
            credentials.connection_string("127.0.0.1:1"),
            "mongodb://app-1:p%2F%40%3A%25%20%C3%A9@127.0.0.1:1/?directConnection=true&authSource=admin"
        );
    }

    #[test]
    fn a_password_is_not_printed() {
        let credentials = Credentials { user: "app".to_owned(), password: "hush".to_owned() };

        assert_eq!(format!("{credentials:?}"), r#"Credentials { user: "app", .. }"#);
    }
}

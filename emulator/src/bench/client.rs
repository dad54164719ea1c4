//! Callers of the system.

use std::ops::Range;
use std::sync::Arc;

use super::connection::Connection;
use super::load::Caller;
use super::request::{Entrance, Request};

/// What a caller asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Task {
    /// New patients who are found by a search later.
    Seed,
    CreatePatient,
    LoadPatient,
    /// Half of each.
    CreateOrLoad,
    SearchPatient,
    SearchByName,
    CreateTest,
}

/// Patients of post codes from 9000 on are found by a search, and stay the same in number.
pub(super) const SEARCHED_POST_CODES: u32 = 9000;

/// What is known about the data.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// The post codes that the seeded patients share.
    pub(super) post_codes: Range<u32>,
    /// Identifiers of seeded patients.
    pub(super) ids: Vec<String>,
    /// First and last names, each shared by as many patients.
    pub(super) names: Vec<[String; 2]>,
}

/// Calls through one of the doors, on a connection of its own.
pub(super) struct Client {
    entrance: Entrance,
    task: Task,
    known: Arc<Known>,
    connection: Option<Connection>,
}

impl Task {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Seed => "seed",
            Self::CreatePatient => "CreatePatient",
            Self::LoadPatient => "LoadPatient",
            Self::CreateOrLoad => "create or load",
            Self::SearchPatient => "SearchPatient",
            Self::SearchByName => "search by name",
            Self::CreateTest => "CreateTest",
        }
    }
}

impl Client {
    pub(super) fn several(
        number: usize,
        entrance: &Entrance,
        task: Task,
        known: &Arc<Known>,
    ) -> Vec<Self> {
        let client = || Self {
            entrance: entrance.clone(),
            task,
            known: Arc::clone(known),
            connection: None,
        };
        std::iter::repeat_with(client).take(number).collect()
    }

    fn request(&self) -> Request {
        let searched = || fastrand::u32(self.known.post_codes.clone());
        let id = || fastrand::choice(&self.known.ids).map_or("", String::as_str);
        match self.task {
            Task::Seed => Request::create_patient(searched()),
            Task::CreateOrLoad if fastrand::bool() => Request::load_patient(id()),
            Task::CreatePatient | Task::CreateOrLoad => {
                Request::create_patient(fastrand::u32(..SEARCHED_POST_CODES))
            }
            Task::LoadPatient => Request::load_patient(id()),
            Task::SearchPatient => Request::search_patient(searched()),
            Task::SearchByName => {
                let names = fastrand::choice(&self.known.names);
                let [first, last] = names.map_or(["", ""], |names| names.each_ref().map(|n| &**n));
                Request::search_by_name(first, last)
            }
            Task::CreateTest => Request::create_test(id()),
        }
    }
}

impl Caller for Client {
    async fn call(&mut self) -> Result<(), String> {
        let request = self.request();
        send(&mut self.connection, &self.entrance, &request).await
    }
}

/// Sends a request on this connection, or on a new one if there is none or it broke.
pub(super) async fn send(
    connection: &mut Option<Connection>,
    entrance: &Entrance,
    request: &Request,
) -> Result<(), String> {
    let failed =
        |what: &str| format!("{} at the {}: {what}", request.function, entrance.door.name());
    let mut open = match connection.take() {
        Some(connection) => connection,
        None => {
            Connection::open(entrance.address).await.map_err(|error| failed(&error.to_string()))?
        }
    };
    let answer = open
        .exchange(&request.on_the_wire(entrance))
        .await
        .map_err(|error| failed(&error.to_string()))?;
    if !request.succeeded(entrance.door, answer.status, answer.body) {
        let body = String::from_utf8_lossy(answer.body);
        return Err(failed(&format!("status {}, {body:.300}", answer.status)));
    }
    *connection = Some(open);
    Ok(())
}

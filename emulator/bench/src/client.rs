//! Callers of the system.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use super::connection::Connection;
use super::load::Caller;
use super::request::{Entrance, Request};

/// What a caller asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Task {
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
pub(crate) const SEARCHED_POST_CODES: u32 = 9000;

/// What is known about the data.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// The post codes that the seeded patients share.
    pub(crate) post_codes: Range<u32>,
    /// Identifiers of seeded patients.
    pub(crate) ids: Vec<String>,
    /// First and last names, each shared by as many patients.
    pub(crate) names: Vec<[String; 2]>,
}

/// What came of a request that did not fail.
enum Outcome {
    Answered {
        bytes: usize,
        /// What `Link` leads to.
        link: Option<String>,
    },
    /// The host had too much to do.
    Shed,
}

/// Calls through one of the doors, on a connection of its own.
pub(crate) struct Client {
    entrance: Entrance,
    task: Task,
    known: Arc<Known>,
    connection: Option<Connection>,
}

impl Task {
    pub(crate) fn name(self) -> &'static str {
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
    pub(crate) fn several(
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

/// Sends the same request over and over, and follows the links of the response first. To be turned
/// away because the host has too much to do is no failure.
pub(crate) struct Repeating {
    entrance: Entrance,
    first: Arc<Request>,
    /// Written once, since to write much over and over would be much of what is measured.
    first_on_the_wire: Arc<[u8]>,
    next_on_the_wire: Option<Vec<u8>>,
    seen: Arc<Seen>,
    connection: Option<Connection>,
}

/// What several callers together have seen.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) answered: AtomicU64,
    pub(crate) shed: AtomicU64,
    pub(crate) largest_response_bytes: AtomicUsize,
}

impl Repeating {
    pub(crate) fn several(number: usize, entrance: &Entrance, request: &Request) -> Vec<Self> {
        let first_on_the_wire: Arc<[u8]> = request.on_the_wire(entrance).into();
        let first = Arc::new(request.clone());
        let seen = Arc::new(Seen::default());
        let caller = || Self {
            entrance: entrance.clone(),
            first: Arc::clone(&first),
            first_on_the_wire: Arc::clone(&first_on_the_wire),
            next_on_the_wire: None,
            seen: Arc::clone(&seen),
            connection: None,
        };
        std::iter::repeat_with(caller).take(number).collect()
    }

    pub(crate) fn seen(&self) -> Arc<Seen> {
        Arc::clone(&self.seen)
    }
}

impl Caller for Repeating {
    async fn call(&mut self) -> Result<(), String> {
        let sent = self.next_on_the_wire.as_deref().unwrap_or(&self.first_on_the_wire);
        match exchange(&mut self.connection, &self.entrance, &self.first, sent).await? {
            Outcome::Answered { bytes, link } => {
                self.seen.answered.fetch_add(1, Ordering::Relaxed);
                self.seen.largest_response_bytes.fetch_max(bytes, Ordering::Relaxed);
                self.next_on_the_wire =
                    link.map(|link| self.first.following(&link).on_the_wire(&self.entrance));
            }
            Outcome::Shed => {
                self.seen.shed.fetch_add(1, Ordering::Relaxed);
            }
        }
        Ok(())
    }
}

/// Sends a request that must succeed.
pub(crate) async fn send(
    connection: &mut Option<Connection>,
    entrance: &Entrance,
    request: &Request,
) -> Result<(), String> {
    match exchange(connection, entrance, request, &request.on_the_wire(entrance)).await? {
        Outcome::Answered { .. } => Ok(()),
        Outcome::Shed => Err(format!("{}: the host had too much to do", request.function)),
    }
}

/// Sends a request on this connection, or on a new one if there is none or it broke.
async fn exchange(
    connection: &mut Option<Connection>,
    entrance: &Entrance,
    request: &Request,
    on_the_wire: &[u8],
) -> Result<Outcome, String> {
    let failed =
        |what: &str| format!("{} at the {}: {what}", request.function, entrance.door.name());
    let mut open = match connection.take() {
        Some(connection) => connection,
        None => {
            Connection::open(entrance.address).await.map_err(|error| failed(&error.to_string()))?
        }
    };
    let response = open.exchange(on_the_wire).await.map_err(|error| failed(&error.to_string()))?;
    if response.status == 429 && response.header("X-FUNCTION-SCALEOUT").is_some() {
        return Ok(Outcome::Shed);
    }
    if !request.succeeded(entrance.door, response.status, response.body) {
        let body = String::from_utf8_lossy(response.body);
        return Err(failed(&format!("status {}, {body:.300}", response.status)));
    }
    let link = response.header("Link").and_then(|link| link.strip_prefix('<')?.split_once('>'));
    let link = link.map(|(target, _)| target.to_owned());
    let bytes = response.body.len();
    *connection = Some(open);
    Ok(Outcome::Answered { bytes, link })
}

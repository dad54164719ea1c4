//! Clients of the system.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use super::connection::Connection;
use super::load::Caller;
use super::request::{Request, Target};

/// The requests that a client sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    /// Creates patients that later searches find.
    Seed,
    CreatePatient,
    LoadPatient,
    UpdatePatient,
    /// Half creates, half loads.
    CreateOrLoad,
    SearchPatient,
    SearchByName,
    CreateTest,
}

/// Post codes from here on are used only by seeded patients, so that the number of matches stays
/// the same.
pub(crate) const SEARCHED_POST_CODES: u32 = 9000;

/// The seeded data.
#[derive(Debug, Default)]
pub(crate) struct TestData {
    /// The post codes of the seeded patients.
    pub(crate) post_codes: Range<u32>,
    /// The ids of seeded patients.
    pub(crate) ids: Vec<String>,
    /// First and last names, each shared by the same number of patients.
    pub(crate) names: Vec<[String; 2]>,
}

/// The outcome of a request that did not fail.
enum Outcome {
    Response {
        bytes: usize,
        /// The target of `Link`.
        link: Option<String>,
    },
    /// The host was overloaded.
    Shed,
}

/// A client of one entry point, with a connection of its own.
pub(crate) struct Client {
    target: Target,
    task: Task,
    data: Arc<TestData>,
    connection: Option<Connection>,
}

impl Task {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Seed => "seed",
            Self::CreatePatient => "CreatePatient",
            Self::LoadPatient => "LoadPatient",
            Self::UpdatePatient => "UpdatePatient",
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
        target: &Target,
        task: Task,
        data: &Arc<TestData>,
    ) -> Vec<Self> {
        let client =
            || Self { target: target.clone(), task, data: Arc::clone(data), connection: None };
        std::iter::repeat_with(client).take(number).collect()
    }

    fn request(&self) -> Request {
        let searched = || fastrand::u32(self.data.post_codes.clone());
        let id = || fastrand::choice(&self.data.ids).map_or("", String::as_str);
        match self.task {
            Task::Seed => Request::create_patient(searched()),
            Task::CreateOrLoad if fastrand::bool() => Request::load_patient(id()),
            Task::CreatePatient | Task::CreateOrLoad => {
                Request::create_patient(fastrand::u32(..SEARCHED_POST_CODES))
            }
            Task::LoadPatient => Request::load_patient(id()),
            Task::UpdatePatient => Request::update_patient(id(), searched()),
            Task::SearchPatient => Request::search_patient(searched()),
            Task::SearchByName => {
                let names = fastrand::choice(&self.data.names);
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
        send(&mut self.connection, &self.target, &request).await
    }
}

/// Sends the same request repeatedly and follows the `Link` of each response first. A refusal by an
/// overloaded host is not a failure.
pub(crate) struct Repeating {
    target: Target,
    first: Arc<Request>,
    /// Serialised once, since serialising a large body each time would distort the measurement.
    first_bytes: Arc<[u8]>,
    next_bytes: Option<Vec<u8>>,
    counts: Arc<Counts>,
    connection: Option<Connection>,
}

/// The counts of several clients together.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) responses: AtomicU64,
    pub(crate) shed: AtomicU64,
    pub(crate) largest_response_bytes: AtomicUsize,
}

impl Repeating {
    pub(crate) fn several(number: usize, target: &Target, request: &Request) -> Vec<Self> {
        let first_bytes: Arc<[u8]> = request.to_bytes(target).into();
        let first = Arc::new(request.clone());
        let counts = Arc::new(Counts::default());
        let caller = || Self {
            target: target.clone(),
            first: Arc::clone(&first),
            first_bytes: Arc::clone(&first_bytes),
            next_bytes: None,
            counts: Arc::clone(&counts),
            connection: None,
        };
        std::iter::repeat_with(caller).take(number).collect()
    }

    pub(crate) fn counts(&self) -> Arc<Counts> {
        Arc::clone(&self.counts)
    }
}

impl Caller for Repeating {
    async fn call(&mut self) -> Result<(), String> {
        let sent = self.next_bytes.as_deref().unwrap_or(&self.first_bytes);
        match exchange(&mut self.connection, &self.target, &self.first, sent).await? {
            Outcome::Response { bytes, link } => {
                self.counts.responses.fetch_add(1, Ordering::Relaxed);
                self.counts.largest_response_bytes.fetch_max(bytes, Ordering::Relaxed);
                self.next_bytes =
                    link.map(|link| self.first.following(&link).to_bytes(&self.target));
            }
            Outcome::Shed => {
                self.counts.shed.fetch_add(1, Ordering::Relaxed);
            }
        }
        Ok(())
    }
}

/// Sends a request that must succeed.
pub(crate) async fn send(
    connection: &mut Option<Connection>,
    target: &Target,
    request: &Request,
) -> Result<(), String> {
    match exchange(connection, target, request, &request.to_bytes(target)).await? {
        Outcome::Response { .. } => Ok(()),
        Outcome::Shed => Err(format!("{}: the host was overloaded", request.function)),
    }
}

/// Sends a request on this connection, or on a new one if there is none or it is closed.
async fn exchange(
    connection: &mut Option<Connection>,
    target: &Target,
    request: &Request,
    to_bytes: &[u8],
) -> Result<Outcome, String> {
    let failed =
        |what: &str| format!("{} at the {}: {what}", request.function, target.entry_point.name());
    let mut open = match connection.take() {
        Some(connection) => connection,
        None => {
            Connection::open(target.address).await.map_err(|error| failed(&error.to_string()))?
        }
    };
    let response = open.exchange(to_bytes).await.map_err(|error| failed(&error.to_string()))?;
    if response.status == 429 && response.header("X-FUNCTION-SCALEOUT").is_some() {
        return Ok(Outcome::Shed);
    }
    if !request.succeeded(target.entry_point, response.status, response.body) {
        let body = String::from_utf8_lossy(response.body);
        return Err(failed(&format!("status {}, {body:.300}", response.status)));
    }
    let link = response.header("Link").and_then(|link| link.strip_prefix('<')?.split_once('>'));
    let link = link.map(|(target, _)| target.to_owned());
    let bytes = response.body.len();
    *connection = Some(open);
    Ok(Outcome::Response { bytes, link })
}

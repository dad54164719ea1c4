//! The comparison of one period.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use futures_util::{StreamExt, TryStreamExt, stream};
use shared::custom_handler::TimerRun;
use shared::{Result, Timestamp};
use tokio::try_join;

use super::finding::{Finding, Problem, ResourceType, StoredVersion};
use crate::App;
use crate::audit::{AuditRecord, End, Subject};
use crate::ids::AuditRecordId;

/// How many announcements and versions are looked up at once.
const LOOKUPS_MAX: usize = 8;

/// What was found in a period.
#[derive(Default)]
pub(super) struct Comparison {
    /// The number of announcements.
    pub(super) intents: usize,
    /// The number of versions.
    pub(super) versions: usize,
    /// How many announced changes were recorded as failed.
    pub(super) failed: u64,
    /// How many announced changes were recorded as succeeded.
    pub(super) succeeded: u64,
    /// The versions that nothing announced.
    pub(super) findings: Vec<Finding>,
}

/// Compares the announcements and the versions of a period, and records the ends that are missing.
///
/// Nearly every version names an announcement of the same period. Only the others, at its edges, and
/// those without a counterpart are looked up one by one.
pub(super) async fn compare(
    app: &App,
    period: &Range<Timestamp>,
    run: &TimerRun,
) -> Result<Comparison> {
    let (intents, unconfirmed, versions) = try_join!(
        app.audit.announced_in(period, run),
        app.audit.unconfirmed_in(period, run),
        versions(app, period, run),
    )?;
    let mut comparison =
        Comparison { intents: intents.len(), versions: versions.len(), ..Comparison::default() };
    let intents: HashMap<_, _> = intents.into_iter().map(|intent| (intent.id, intent)).collect();

    let mut named = HashSet::new();
    let mut announced_elsewhere = Vec::new();
    for version in versions {
        let problem = match version.written.audit_id {
            None => Some(Problem::NamesNoRecord),
            Some(id) => match intents.get(&id) {
                Some(intent) => version
                    .problem_with(intent)
                    .or_else(|| (!named.insert(id)).then_some(Problem::AnnouncedOnce)),
                None => {
                    announced_elsewhere.push((version, id));
                    continue;
                }
            },
        };
        comparison.findings.extend(problem.map(|problem| version.finding(problem)));
    }
    let checks = announced_elsewhere.into_iter().map(|(version, id)| check(app, version, id, run));
    let mut checks = stream::iter(checks).buffer_unordered(LOOKUPS_MAX);
    while let Some(finding) = checks.try_next().await? {
        comparison.findings.extend(finding);
    }

    let open = intents.keys().copied().filter(|id| !named.contains(id));
    let open: HashSet<_> = open.chain(unconfirmed).collect();
    let conclusions = open.into_iter().map(|id| conclude(app, intents.get(&id), id, run));
    let mut conclusions = stream::iter(conclusions).buffer_unordered(LOOKUPS_MAX);
    while let Some(has_happened) = conclusions.try_next().await? {
        match has_happened {
            Some(true) => comparison.succeeded += 1,
            Some(false) => comparison.failed += 1,
            None => {}
        }
    }
    Ok(comparison)
}

/// All versions of a period, each once, the oldest first.
async fn versions(
    app: &App,
    period: &Range<Timestamp>,
    run: &TimerRun,
) -> Result<Vec<StoredVersion>> {
    let (patients, tests) = try_join!(
        app.patients.written_within(period, run.deadline),
        app.medical_tests.written_within(period, run.deadline),
    )?;
    let of_type = |resource_type| move |written| StoredVersion { resource_type, written };
    let patients = patients.into_iter().map(of_type(ResourceType::Patient));
    let tests = tests.into_iter().map(of_type(ResourceType::Test));
    // The history can have a copy of a current version.
    let distinct: HashSet<_> = patients.chain(tests).collect();
    let mut versions: Vec<_> = distinct.into_iter().collect();
    versions
        .sort_unstable_by_key(|version| (version.written.last_updated, version.written.version));
    Ok(versions)
}

/// Compares a version with its announcement, which is not of the same period.
async fn check(
    app: &App,
    version: StoredVersion,
    announcement: AuditRecordId,
    run: &TimerRun,
) -> Result<Option<Finding>> {
    let problem = match app.audit.find(announcement, &run.trace, run.deadline).await? {
        Some(record) => version.problem_with(&record),
        None => Some(Problem::NotAnnounced),
    };
    Ok(problem.map(|problem| version.finding(problem)))
}

/// Records whether an announced change happened, if the register does not know; returns what was
/// recorded. The announcement is looked up unless it is of the same period.
async fn conclude(
    app: &App,
    intent: Option<&AuditRecord>,
    id: AuditRecordId,
    run: &TimerRun,
) -> Result<Option<bool>> {
    let found = match intent {
        Some(_) => None,
        None => app.audit.find(id, &run.trace, run.deadline).await?,
    };
    let Some(intent) = intent.or(found.as_ref()) else { return Ok(None) };
    let Some((subject, _)) = intent.announcement() else { return Ok(None) };
    let (end, has_happened) =
        try_join!(app.audit.end_of(id, run), has_happened(app, subject, id, run))?;
    let conclusion = match (end, has_happened) {
        // With a version, no record of the end is needed.
        (End::Known, _) | (End::None, true) => return Ok(None),
        (End::Unknown, true) => true,
        (End::None | End::Unknown, false) => false,
    };
    app.audit.conclude(intent, conclusion, run).await?;
    Ok(Some(conclusion))
}

async fn has_happened(
    app: &App,
    subject: Subject,
    intent: AuditRecordId,
    run: &TimerRun,
) -> Result<bool> {
    match subject {
        Subject::Patient(id) => app.patients.has_version_of(id, intent, run.deadline).await,
        Subject::MedicalTest(patient_id, id) => {
            app.medical_tests.has_version_of(patient_id, id, intent, run.deadline).await
        }
    }
}

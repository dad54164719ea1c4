"""Whether the audit register tells what happened: every version, every read, every end of an intent."""

from chaos.check import Check
from chaos.evidence import INTENDED, SUCCEEDED, UNKNOWN, AuditRecord, Evidence, Version
from chaos.ledger import Entry, Response

FAILURES = frozenset({"failed", "refused", "notFound"})
MAY_CHANGE_NOTHING = frozenset({"create", "delete", "restore"})
"""A repeated create, a second delete, a restore of current content."""

OUTCOMES = {404: "notFound", 410: "refused", 412: "refused"}
"""The outcomes of reads that disclose nothing; all others that are recorded have succeeded."""


def intents(evidence: Evidence) -> Check:
    """Every version names an intent of its own, about the right resource, from a request of the ledger."""
    check = Check("versions name their intents")
    for version in evidence.all_versions:
        problem = misnomer(evidence, version)
        check.holds(not problem, f"{version}: {problem}")
    for identifier, versions in evidence.versions_of_intent.items():
        names = ", ".join(map(str, versions))
        check.holds(len(versions) == 1, f"audit record {identifier} is named by {names}")
    return check


def misnomer(evidence: Evidence, version: Version) -> str:
    """What is wrong with the audit record that a version names."""
    record = evidence.record_of_id.get(version.audit_id or "")
    if record is None:
        return "it names no audit record"
    if record.outcome != INTENDED:
        return f"{record} is no intent"
    about = (record.type, record.resource_id, record.patient, record.operation)
    if about != (version.kind, version.id, version.patient, operation(version)):
        return f"{record} is about something else"
    return "" if record.trace in evidence.entry_of_trace else f"{record} is of no request of the ledger"


def operation(version: Version) -> str:
    """The operation that made a version."""
    if version.deleted:
        return "delete"
    if version.restored:
        return "restore"
    return "create" if version.number == 1 else "update"


def reads(evidence: Evidence) -> Check:
    """Every answered read has one record, with the ids that were handed out."""
    check = Check("answered reads are recorded")
    for entry in evidence.entries:
        response = entry.response
        if entry.request.writes or response is None:
            continue
        if response.acknowledges or response.status in OUTCOMES:
            records = evidence.records_of_trace.get(entry.trace, [])
            problem = omission(entry, response, records)
            check.holds(not problem, f"{entry}: {problem}")
    return check


def omission(entry: Entry, response: Response, records: list[AuditRecord]) -> str:
    """What the register does not tell about a read."""
    if len(records) != 1:
        return f"{len(records)} audit records"
    record, request = records[0], entry.request
    if record.outcome != OUTCOMES.get(response.status, SUCCEEDED):
        return f"{record} says {record.outcome}"
    about = (record.type, record.operation, record.resource_id, record.patient)
    if about != (request.kind, request.operation, request.id, request.patient):
        return f"{record} is about something else"
    if response.disclosed is not None and (record.disclosed or []) != response.disclosed:
        return f"{record} has disclosed {record.disclosed}, and not {response.disclosed}"
    if response.disclosed and request.id and response.version and record.version != response.version:
        return f"{record} has version {record.version}, and not {response.version}"
    return ""


def ends(evidence: Evidence) -> Check:
    """After the reconciliation, every intent is named by a version or has an end, and the right one."""
    check = Check("intents have their ends")
    for record in evidence.records:
        if record.outcome == INTENDED:
            outcomes = {end.outcome for end in evidence.ends_of_intent.get(record.id, [])}
            problem = contradiction(record, outcomes, happened=record.id in evidence.versions_of_intent)
            check.holds(not problem, f"{record}: {problem}")
    return check


def contradiction(intent: AuditRecord, outcomes: set[str], *, happened: bool) -> str:
    """What is wrong with the ends of an intent."""
    said = ", ".join(sorted(outcomes)) or "nothing"
    known = outcomes - {UNKNOWN}
    if happened:
        right = not known & FAILURES and (not outcomes or SUCCEEDED in outcomes)
        return "" if right else f"it happened, and the register says {said}"
    if not known:
        return f"it did not happen, and the register says {said}"
    if SUCCEEDED in known and (known & FAILURES or intent.operation not in MAY_CHANGE_NOTHING):
        return f"it did not happen, and the register says {said}"
    return ""


CHECKS = (intents, reads)
AFTER_RECONCILIATION = (ends,)

"""Whether the access log of a patient tells what the register has, neither more nor less."""

import json
from collections.abc import Iterator
from random import Random

import monitor
import responses
from chaos.check import Check
from chaos.evidence import INTENDED, SUCCEEDED, UNKNOWN, AuditRecord, Evidence, grouped
from stack import System

PATIENTS_MAX = 100
RECONCILER = "reconciler"
WHAT = {"patient": "patient", "test": "test results"}
READ = "read"
ACTIONS = {
    "read": READ,
    "search": "found in a search",
    "create": "created",
    "update": "changed",
    "delete": "deleted",
    "restore": "restored",
}

Line = tuple[str, str, str, int, str]
"""When, action, what, count and outcome."""


def access_logs(system: System, evidence: Evidence, seed: str) -> Check:
    """The access logs of some patients, read in pages of different sizes, have one line per interaction."""
    check = Check("access logs tell what the register has")
    random = Random(f"{seed}/access-logs")
    of_patient = grouped((patient, record) for record in evidence.records for patient in patients(record))
    for patient in random.sample(sorted(of_patient), min(len(of_patient), PATIENTS_MAX)):
        expected = lines(of_patient[patient], patient)
        told = list(access_log(system, patient, random.randint(1, 200)))
        check.holds(told == expected, f"patient {patient}: {difference(told, expected)}")
    return check


def patients(record: AuditRecord) -> set[str]:
    """The patients that a record is about, or that it disclosed."""
    about = {record.patient} - {None}
    if record.type == "patient":
        about |= {record.resource_id, *(record.disclosed or [])} - {None}
    return {patient for patient in about if patient}


def lines(records: list[AuditRecord], patient: str) -> list[Line]:
    """The lines that the records of a patient make, newest first."""
    ordered = sorted(records, key=lambda record: (record.created, record.id), reverse=True)
    newest_end: dict[str, str] = {}
    for record in ordered:
        if record.relates_to:
            newest_end.setdefault(record.relates_to, record.id)
    made = (line(record, patient, newest_end) for record in ordered if record.type in WHAT)
    return [one for one in made if one]


def line(record: AuditRecord, patient: str, newest_end: dict[str, str]) -> Line | None:
    """The line that a record makes: a change is told by its newest end, or else by its announcement."""
    action, outcome, count = ACTIONS[record.operation], record.outcome, 1
    if outcome == INTENDED:
        if record.id in newest_end:
            return None
        outcome = SUCCEEDED
    elif record.relates_to and newest_end[record.relates_to] != record.id:
        return None
    elif outcome == SUCCEEDED and record.by != RECONCILER:
        disclosed = record.disclosed or []
        count = len(disclosed) if record.type == "test" else disclosed.count(patient)
        action = READ if record.relates_to else action
    elif outcome not in (SUCCEEDED, UNKNOWN):
        return None
    return (record.created, action, WHAT[record.type], count, outcome) if count else None


def access_log(system: System, patient: str, limit: int) -> Iterator[Line]:
    """All lines that the API returns."""
    query: str | None = f"limit={limit}"
    while query is not None:
        received = monitor.get(system, f"/patient/{patient}/access-log?{query}")
        if received.status != monitor.OK:
            yield ("", f"status {received.status}", "", 0, "")
            return
        for one in json.loads(received.body):
            yield (one["when"], one["action"], one["what"], one["count"], one["outcome"])
        query = responses.next_page(received.link)


def difference(told: list[Line], expected: list[Line]) -> str:
    """The first lines that differ."""
    for number, (one, other) in enumerate(zip(told, expected, strict=False)):
        if one != other:
            return f"line {number} is {one}, not {other}"
    return f"{len(told)} lines, not {len(expected)}"

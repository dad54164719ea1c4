"""A run from the first request to the verdict, and its files."""

import argparse
import json
import time
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import monitor
import stack
import verify
from chaos import (
    checks_of_access_log,
    checks_of_register,
    checks_of_versions,
    coverage,
    database,
    ledger,
    load,
)
from chaos.check import Check, table
from chaos.evidence import Evidence
from chaos.injector import Injector
from journal import digest
from stack import ROOT, StackError, System
from verify import Expected

OUTPUT = ROOT / "target/chaos"
LEDGER = OUTPUT / "ledger.jsonl"
FAULTS = OUTPUT / "faults.jsonl"
VERSIONS = OUTPUT / "versions.jsonl"
AUDIT_RECORDS = OUTPUT / "audit-records.jsonl"
VERDICT = OUTPUT / "verdict.txt"
FINDINGS = OUTPUT / "findings.txt"

RECOVERY_SECONDS_MAX = 60
SETTLING_SECONDS = 30
"""Longer than the local stack delays a write."""

RECONCILED_AFTER_SECONDS = 360
"""The reconciliation takes minutes that ended five minutes ago."""

RECONCILIATION = "ReconcileWrites"
REPORTED = ("intents", "versions", "failed", "succeeded")
COUNTDOWN_SECONDS = 60
POLL_SECONDS = 0.5


def run(options: argparse.Namespace) -> int:
    """Runs everything; returns 0 if every check has passed."""
    OUTPUT.mkdir(parents=True, exist_ok=True)
    function = options.packaged / "patient-tests-api" / RECONCILIATION / "function.json"
    if options.reconciliation and not (ROOT / function).is_file():
        raise StackError(f"the packages have no {RECONCILIATION}; see --no-reconciliation")
    checks = []
    with stack.own(faults=True, functions=options.packaged, output=OUTPUT) as system:
        if system.store is None:
            raise StackError("the stack does not tell its database")
        if options.reconciliation:
            # The first run sets the time from which on writes are reconciled.
            stack.control(system, f"timer {RECONCILIATION}")
        put_load(system, options)
        ended = time.time()
        if options.reconciliation:
            wait("the last request can be reconciled", RECONCILED_AFTER_SECONDS)
            checks.append(reconcile(system, ended))
        else:
            wait("the last delayed write has arrived", SETTLING_SECONDS)
        print("Reading the database …", flush=True)
        database.dump(system.store, VERSIONS, AUDIT_RECORDS)
        evidence = load_evidence()
        checks += check(evidence, reconciled=options.reconciliation)
        # First, since every read adds a line.
        checks.append(checks_of_access_log.access_logs(system, evidence, options.seed))
        checks.append(api(system, evidence))
    return judge(evidence, checks, reconciled=options.reconciliation)


def put_load(system: System, options: argparse.Namespace) -> None:
    """Has the callers work while faults come and go, and waits until the system is healthy again."""
    print(
        f"{options.callers} callers work while faults come and go; the seed is {options.seed} …", flush=True
    )
    book = ledger.Ledger(LEDGER)
    budget = load.Budget(options.requests, options.duration)
    injector = Injector(system, options.seed, FAULTS)
    load.run(system, book, options.seed, options.callers, budget, injector)
    print(f"The load has ended: {book.progress()}, {injector.count} faults.", flush=True)
    book.close()
    limit = time.monotonic() + RECOVERY_SECONDS_MAX
    while not monitor.is_healthy(system):
        if time.monotonic() > limit:
            raise StackError("the system is not healthy a minute after the last fault")
        time.sleep(POLL_SECONDS)


def wait(reason: str, seconds: int) -> None:
    """Waits, with a line per minute."""
    for left in range(seconds, 0, -COUNTDOWN_SECONDS):
        print(f"{left} s until {reason} …", flush=True)
        time.sleep(min(left, COUNTDOWN_SECONDS))


def reconcile(system: System, ended: float) -> Check:
    """Runs the timer function once, which must cover all requests until this time."""
    ran = Check("the reconciliation ran")
    try:
        stack.control(system, f"timer {RECONCILIATION}")
        ran.holds(True, "")
    except StackError as problem:
        ran.holds(False, str(problem))
        return ran
    report = load_report(system)
    ran.holds(report["to"] > moment(ended), f"it has come to {report['to']} only")
    ran.holds(report["findings"] == [], f"it takes writes of the app for others: {report['findings']}")
    print("The report: " + ", ".join(f"{report[name]} {name}" for name in REPORTED) + ".", flush=True)
    return ran


def load_report(system: System) -> dict[str, Any]:
    """The newest report of the reconciliation."""
    received = monitor.get(system, "/reconciliation")
    if received.status != monitor.OK:
        raise StackError(f"the report of the reconciliation cannot be loaded: {received.status}")
    report: dict[str, Any] = json.loads(received.body)
    return report


def moment(seconds: float) -> str:
    """A time in the form in which the API returns times, which sorts as text."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def load_evidence() -> Evidence:
    """What the files of the last run contain."""
    with LEDGER.open() as lines:
        entries = ledger.read(lines)
    return Evidence(entries, *database.read(VERSIONS, AUDIT_RECORDS))


def check(evidence: Evidence, *, reconciled: bool) -> list[Check]:
    """Checks what a run has left behind."""
    kinds = [*checks_of_versions.CHECKS, *checks_of_register.CHECKS]
    if reconciled:
        kinds += checks_of_register.AFTER_RECONCILIATION
    called = coverage.called(evidence.entries, coverage.operations())
    return [called, *(kind(evidence) for kind in kinds)]


def api(system: System, evidence: Evidence) -> Check:
    """The API returns every current version as it is stored."""
    current = [version for version in evidence.stored if version.current]
    expected = {}
    for version in current:
        tests = f"/tests/{version.id}" if version.kind == "test" else ""
        body = {**version.content, "id": version.id, "lastUpdated": version.last_updated}
        if tests:
            body["patientId"] = version.patient
        path = f"/patient/{version.patient}{tests}"
        expected[path] = Expected(version.number, digest(body), version.deleted)
    found = Check("the API returns what is stored")
    for outcome, count in verify.all_writes(system, expected).items():
        found.checked += count
        if outcome not in verify.GOOD:
            found.findings.append(f"{count} records: {outcome}")
    return found


def judge(evidence: Evidence, checks: list[Check], *, reconciled: bool) -> int:
    """Prints and keeps the table; returns the exit status."""
    passed = all(check.passed for check in checks)
    skipped = "" if reconciled else "\nSkipped: the reconciliation and the ends of intents."
    verdict = f"{outcomes(evidence)}\n{table(checks)}\n{skipped}\n{'Passed.' if passed else 'Failed.'}"
    print(f"\n{verdict}")
    VERDICT.write_text(f"{verdict}\n")
    findings = (f"{check.name}: {finding}\n" for check in checks for finding in check.findings)
    FINDINGS.write_text("".join(findings))
    if not passed:
        print(f"All findings, the ledger and the database are in {OUTPUT.relative_to(ROOT)}.")
    return 0 if passed else 1


def outcomes(evidence: Evidence) -> str:
    """How often each status was returned."""
    counts = Counter(entry.response.status if entry.response else 0 for entry in evidence.entries)
    return "".join(f"{count:>8}  {status or 'no response'}\n" for status, count in sorted(counts.items()))

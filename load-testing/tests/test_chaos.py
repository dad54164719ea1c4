import sys
import tempfile
import unittest
from collections.abc import Callable
from dataclasses import replace
from itertools import islice, pairwise
from pathlib import Path
from typing import Any, TypeVar

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from chaos import checks_of_access_log, checks_of_register, checks_of_versions, coverage, ledger
from chaos.check import Check, table
from chaos.evidence import AuditRecord, Evidence, Version
from chaos.fault_plan import EXCLUSIVE, SECONDS, plan
from chaos.ledger import Entry, Ledger, Request, Response

P, OTHER = "patient-1", "patient-2"
CHECKS = (
    *checks_of_versions.CHECKS,
    *checks_of_register.CHECKS,
    *checks_of_register.AFTER_RECONCILIATION,
)
T = TypeVar("T")


def entry(number: int, operation: str, response: Response | None, **request: Any) -> Entry:
    """A request about the patient, and its response."""
    about = {"patient": P, "id": P, **request}
    sent = Request(f"function-{number}", "", "/patient", "patient", operation, **about)
    return Entry(f"trace-{number}", 0, 0.0, sent, response, 0.0)


def acknowledged(status: int, version: int, name: str) -> Response:
    """The response to a change."""
    return Response(status, version, [], {"id": P, "firstName": name, "lastUpdated": f"at {version}"})


def stored(number: int, first_name: str, **other: Any) -> Version:
    """A version of the patient, announced by the audit record of the same number."""
    content = {"firstName": first_name}
    version = Version("patient", P, number, P, f"record-{number}", content, f"at {number}")
    return replace(version, **{"name": f"{P}:{number}", **other})


def record(number: int, outcome: str, operation: str, **other: Any) -> AuditRecord:
    """An audit record of the request of the same number."""
    identifier = f"record-{number}"
    return replace(AuditRecord(identifier, outcome, "patient", operation, f"trace-{number}", P, P), **other)


def end(number: int, outcome: str) -> AuditRecord:
    """The end of the intent of the same number."""
    return record(number, outcome, "update", id=f"end-{number}-{outcome}", relates_to=f"record-{number}")


KEY = {"Idempotency-Key": "key"}
ADA, EVE = {"firstName": "Ada"}, {"id": P, "firstName": "Eve"}
REPLAYED = replace(acknowledged(201, 1, "Ada"), replayed=True)
WHOLE = Evidence(
    entries=[
        entry(1, "create", acknowledged(201, 1, "Ada"), body=ADA, headers=KEY, id=None),
        entry(2, "update", acknowledged(200, 2, "Eve"), body=EVE),
        entry(3, "delete", None),
        entry(4, "restore", acknowledged(200, 4, "Ada"), version=1),
        entry(5, "update", Response(412), body=EVE),
        entry(6, "read", Response(200, 2, [P])),
        entry(7, "search", Response(200, None, [P, OTHER]), patient=None, id=None),
        entry(8, "create", REPLAYED, body=ADA, headers=KEY, id=None),
        entry(9, "update", None, body=EVE),
    ],
    stored=[
        stored(1, "Ada", current=False),
        stored(2, "Eve", current=False),
        stored(3, "Eve", current=False, deleted=True),
        stored(4, "Ada", restored=1),
        # For a change that did not happen.
        stored(4, "Ada", restored=1, current=False),
    ],
    records=[
        record(1, "intended", "create"),
        record(2, "intended", "update"),
        record(3, "intended", "delete"),
        end(3, "unknown"),
        end(3, "succeeded"),
        record(4, "intended", "restore"),
        record(5, "intended", "update"),
        end(5, "refused"),
        record(6, "succeeded", "read", disclosed=[P], version=2),
        record(7, "succeeded", "search", disclosed=[P, OTHER], resource_id=None, patient=None),
        record(8, "intended", "create"),
        end(8, "succeeded"),
        record(9, "intended", "update"),
        end(9, "failed"),
    ],
)


def failures(evidence: Evidence) -> set[str]:
    """The names of the checks that fail."""
    return {check.__name__ for check in CHECKS if check(evidence).findings}


def changed(items: list[T], index: int, change: Callable[[T], T]) -> list[T]:
    """The items with one of them changed."""
    return [*items[:index], change(items[index]), *items[index + 1 :]]


class Damage(unittest.TestCase):
    """Each kind of damage is found, by the checks that are about it."""

    def assert_finds(self, *expected: str, **other: Any) -> None:
        self.assertEqual(failures(replace(WHOLE, **other)), set(expected))

    def without_version(self, number: int) -> list[Version]:
        return [version for version in WHOLE.stored if version.number != number]

    def with_version(self, number: int, **other: Any) -> list[Version]:
        index = number - 1
        return changed(WHOLE.stored, index, lambda version: replace(version, **other))

    def without_record(self, identifier: str) -> list[AuditRecord]:
        return [record for record in WHOLE.records if record.id != identifier]

    def with_record(self, identifier: str, **other: Any) -> list[AuditRecord]:
        index = [record.id for record in WHOLE.records].index(identifier)
        return changed(WHOLE.records, index, lambda record: replace(record, **other))

    def with_response(self, number: int, response: Response | None) -> list[Entry]:
        return changed(WHOLE.entries, number - 1, lambda entry: replace(entry, response=response))

    def test_what_is_whole_passes_every_check(self) -> None:
        for check in CHECKS:
            self.assertTrue(check(WHOLE).passed, check.__name__)

    def test_a_lost_version(self) -> None:
        self.assert_finds("lost", "gaps", "ends", stored=self.without_version(2))

    def test_a_lost_newest_version(self) -> None:
        stored = [*WHOLE.stored[:2], replace(WHOLE.stored[2], current=True)]
        self.assert_finds("lost", "ends", stored=stored)

    def test_an_acknowledged_change_that_is_another_request_s(self) -> None:
        entries = [*WHOLE.entries, entry(10, "update", acknowledged(200, 2, "Eve"), body=EVE)]
        self.assert_finds("lost", entries=entries)

    def test_an_acknowledged_deletion_that_did_not_happen(self) -> None:
        entries = [*WHOLE.entries, entry(10, "delete", Response(204))]
        self.assert_finds("lost", entries=entries)

    def test_altered_content(self) -> None:
        stored = self.with_version(2, content={"firstName": "Eva"})
        stored[2] = replace(stored[2], content={"firstName": "Eva"})
        self.assert_finds("altered", stored=stored)

    def test_altered_content_of_a_deletion_or_a_restore(self) -> None:
        self.assert_finds("altered", stored=self.with_version(3, content={"firstName": "Eva"}))
        self.assert_finds("altered", "copies", stored=self.with_version(4, content={"firstName": "Eva"}))

    def test_altered_content_of_a_change_that_was_not_acknowledged(self) -> None:
        entries = self.with_response(2, None)
        self.assert_finds("altered", entries=entries, stored=self.with_version(2, content={}))

    def test_a_version_that_was_written_again(self) -> None:
        self.assert_finds("altered", stored=self.with_version(2, last_updated="later"))

    def test_a_deletion_that_is_none(self) -> None:
        records = self.with_record("record-3", operation="update")
        self.assert_finds("altered", records=records, stored=self.with_version(3, deleted=False))

    def test_a_request_that_made_two_versions(self) -> None:
        stored = [*WHOLE.stored, stored_twice()]
        self.assert_finds("doubled", "intents", stored=stored)

    def test_a_request_that_was_announced_and_done_twice(self) -> None:
        again = record(2, "intended", "update", id="again", resource_id=OTHER, patient=OTHER)
        stored = [*WHOLE.stored, replace(stored_twice(), audit_id="again")]
        records = [*WHOLE.records, again]
        twice = replace(stored[-1], id=OTHER, patient=OTHER)
        self.assertIn("doubled", failures(replace(WHOLE, records=records, stored=[*WHOLE.stored, twice])))

    def test_a_key_that_made_two_records(self) -> None:
        response = Response(201, 1, [], {"id": OTHER, **ADA, "lastUpdated": "at 1"})
        entries = self.with_response(8, response)
        records = [*self.without_record("end-8-succeeded")]
        records[-3] = replace(records[-3], resource_id=OTHER, patient=OTHER)
        other = stored(1, "Ada", id=OTHER, patient=OTHER, audit_id="record-8", name=f"{OTHER}:1")
        self.assert_finds("doubled", entries=entries, records=records, stored=[*WHOLE.stored, other])

    def test_a_refused_request_that_made_a_version(self) -> None:
        self.assert_finds("refused", entries=self.with_response(2, Response(412)))

    def test_a_gap(self) -> None:
        stored = [replace(WHOLE.stored[3], number=5, name=f"{P}:5"), *WHOLE.stored[:3]]
        self.assertIn("gaps", failures(replace(WHOLE, stored=stored)))

    def test_a_history_beyond_the_current_version(self) -> None:
        beyond = stored(5, "Ada", current=False, audit_id="record-9")
        self.assertIn("gaps", failures(replace(WHOLE, stored=[*WHOLE.stored, beyond])))

    def test_a_version_under_another_name(self) -> None:
        self.assert_finds("gaps", stored=self.with_version(2, name=f"{P}:7"))

    def test_a_copy_that_differs(self) -> None:
        stored = changed(WHOLE.stored, 4, lambda copy: replace(copy, audit_id="record-3"))
        self.assert_finds("copies", stored=stored)

    def test_a_version_without_an_intent(self) -> None:
        self.assert_finds("intents", "lost", "ends", stored=self.with_version(2, audit_id=None))
        self.assert_finds("intents", "lost", records=self.without_record("record-2"))

    def test_a_foreign_intent(self) -> None:
        for other in ({"resource_id": OTHER}, {"patient": OTHER}, {"type": "test"}, {"operation": "create"}):
            self.assert_finds("intents", records=self.with_record("record-2", **other))

    def test_an_intent_of_a_request_that_nobody_sent(self) -> None:
        self.assert_finds("intents", "lost", records=self.with_record("record-2", trace="other"))

    def test_an_intent_that_is_none(self) -> None:
        records = self.with_record("record-2", outcome="succeeded")
        self.assert_finds("intents", "lost", records=records)

    def test_an_intent_that_two_versions_name(self) -> None:
        stored = self.with_version(2, audit_id="record-1")
        self.assertLessEqual({"intents", "doubled"}, failures(replace(WHOLE, stored=stored)))

    def test_a_read_without_a_record(self) -> None:
        self.assert_finds("reads", records=self.without_record("record-6"))

    def test_a_read_with_two_records(self) -> None:
        again = record(6, "succeeded", "read", id="again", disclosed=[P], version=2)
        self.assert_finds("reads", records=[*WHOLE.records, again])

    def test_a_read_whose_record_tells_something_else(self) -> None:
        for other in ({"disclosed": []}, {"disclosed": [P, OTHER]}, {"version": 1}, {"outcome": "notFound"}):
            self.assert_finds("reads", records=self.with_record("record-6", **other))
        self.assert_finds("reads", records=self.with_record("record-7", disclosed=[OTHER]))

    def test_a_read_that_found_nothing_is_recorded_as_such(self) -> None:
        entries = self.with_response(6, Response(404, None, []))
        self.assert_finds("reads", entries=entries)
        records = self.with_record("record-6", outcome="notFound", disclosed=None, version=None)
        self.assert_finds(entries=entries, records=records)

    def test_a_read_without_a_response_needs_no_record(self) -> None:
        self.assert_finds(entries=self.with_response(6, None), records=self.without_record("record-6"))

    def test_an_intent_without_an_end(self) -> None:
        self.assert_finds("ends", records=self.without_record("end-9-failed"))

    def test_an_unknown_end_that_is_not_settled(self) -> None:
        self.assert_finds("ends", records=self.without_record("end-3-succeeded"))
        self.assert_finds("ends", records=self.with_record("end-9-failed", outcome="unknown"))

    def test_a_failed_end_of_what_happened(self) -> None:
        self.assert_finds("ends", records=self.with_record("end-3-succeeded", outcome="failed"))
        self.assert_finds("ends", records=[*WHOLE.records, end(2, "failed")])

    def test_a_successful_end_of_what_did_not_happen(self) -> None:
        self.assert_finds("ends", records=self.with_record("end-9-failed", outcome="succeeded"))


def stored_twice() -> Version:
    """The patient's second version, under another patient."""
    return stored(1, "Eve", id=OTHER, patient=OTHER, audit_id="record-2", name=f"{OTHER}:1")


class Verdicts(unittest.TestCase):
    def test_a_check_of_nothing_has_failed(self) -> None:
        self.assertFalse(Check("nothing").passed)
        self.assertIn("FAILED", table([Check("nothing")]))

    def test_findings_are_counted_and_the_first_ones_are_told(self) -> None:
        check = Check("all")
        for number in range(9):
            check.holds(number == 0, f"finding {number}")
        self.assertEqual(check.checked, 9)
        self.assertIn("8 FAILED", table([check]))
        self.assertIn("finding 1", table([check]))
        self.assertNotIn("finding 8", table([check]))


class Coverage(unittest.TestCase):
    def test_an_operation_that_never_succeeded(self) -> None:
        patterns = coverage.operations()
        template = Request("", "GET", "", "patient", "read", P, P)
        paths = ("/patient/1/tests?limit=2", "/patient/1", "/patient/1/history/3")
        entries = [
            Entry(path, 0, 0.0, replace(template, path=path), Response(410 if path == "/patient/1" else 200))
            for path in paths
        ]

        check = coverage.called(entries, patterns)

        self.assertEqual(check.checked, len(patterns))
        missing = {finding.split()[0] for finding in check.findings}
        self.assertEqual(set(patterns) - missing, {"LoadTests", "LoadPatientVersion"})


class Plans(unittest.TestCase):
    def test_a_seed_repeats_its_plan(self) -> None:
        def first(seed: str) -> list[object]:
            return list(islice(plan(seed), 50))

        self.assertEqual(first("1"), first("1"))
        self.assertNotEqual(first("1"), first("2"))

    def test_every_kind_occurs_before_one_occurs_again(self) -> None:
        names = {fault.name for fault in islice(plan("1"), len(SECONDS))}
        self.assertEqual(names, set(SECONDS))

    def test_faults_overlap_but_not_those_that_cannot(self) -> None:
        faults = list(islice(plan("1"), 200))

        def overlapping(these: list[Any]) -> bool:
            return any(one.end > two.begin for one, two in pairwise(these))

        self.assertTrue(overlapping(faults))
        self.assertFalse(overlapping([fault for fault in faults if fault.name in EXCLUSIVE]))


class Ledgers(unittest.TestCase):
    def test_a_ledger_has_every_request_and_the_responses_that_came(self) -> None:
        sent = WHOLE.entries[0].request
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "ledger.jsonl")
            book = Ledger(file)
            book.sends("a", 1, sent)
            book.sends("b", 2, sent)
            book.receives("b", Response(201, 1, [], ADA))
            # Not closed: what was noted is there even if the run is killed.
            with file.open() as lines:
                first, second = ledger.read(lines)
            book.close()

        self.assertEqual((first.trace, first.request, first.response), ("a", sent, None))
        self.assertEqual((second.caller, second.response), (2, Response(201, 1, [], ADA)))


class AccessLog(unittest.TestCase):
    """What the records of a patient make of an access log."""

    def test_each_interaction_is_one_line_at_its_newest_record(self) -> None:
        """A change is told by its newest end, or else by its announcement."""
        records = [
            record(1, "intended", "create", created="1"),
            record(2, "intended", "update", created="2"),
            replace(end(2, "unknown"), created="4"),
            replace(end(2, "succeeded"), created="9", by="reconciler"),
            record(3, "intended", "update", created="3"),
            replace(end(3, "refused"), created="5"),
            record(6, "succeeded", "read", created="6", disclosed=[P]),
            record(
                7, "succeeded", "search", created="7", disclosed=[OTHER, P], resource_id=None, patient=None
            ),
            record(
                8, "succeeded", "read", created="8", disclosed=["t1", "t2"], type="test", resource_id=None
            ),
            record(10, "notFound", "read", created="10"),
            record(11, "succeeded", "read", created="11", disclosed=["r"], type="accessLog"),
        ]
        self.assertEqual(
            checks_of_access_log.lines(records, P),
            [
                ("9", "changed", "patient", 1, "succeeded"),
                ("8", "read", "test results", 2, "succeeded"),
                ("7", "found in a search", "patient", 1, "succeeded"),
                ("6", "read", "patient", 1, "succeeded"),
                ("1", "created", "patient", 1, "succeeded"),
            ],
        )
        found = {patient for one in records for patient in checks_of_access_log.patients(one)}
        self.assertEqual(found, {P, OTHER})


if __name__ == "__main__":
    unittest.main()

import json
import sys
import unittest
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import timeline
import verify
from faults import Fault
from journal import digest
from processes import second_and_last_quarter
from timeline import Request
from verify import Expected

LOAD = "GET /patient/{patientId}"
LIMITS = {
    "errorPercentMax": 1,
    "wrongResponsesMax": 0,
    "requestsPerSecondMin": 0.5,
    "operations": {LOAD: {"p95Ms": 100, "p99Ms": 200}},
}
RECOVERY = {"recoverySecondsMax": 5, "healthRecoverySecondsMax": 15}
FAULT = Fault("throttling", began=100, ended=115, noticed=True, healthy_after_seconds=15)


def every_second(first: int, last: int, *, passed: bool = True, duration_ms: float = 10) -> list[Request]:
    return [Request(second + 0.5, LOAD, duration_ms, passed) for second in range(first, last)]


def failed(requests: list[Request], faults: list[Fault]) -> list[str]:
    return [
        verdict.criterion
        for verdict in timeline.verdicts(requests, faults, LIMITS, RECOVERY)
        if not verdict.passed
    ]


class Timeline(unittest.TestCase):
    def test_what_fails_during_a_fault_and_right_after_it_is_forgiven(self) -> None:
        requests = every_second(100, 119, passed=False) + every_second(119, 170)

        self.assertEqual(failed(requests, [FAULT]), [])

    def test_what_fails_later_is_not(self) -> None:
        requests = every_second(100, 121, passed=False) + every_second(121, 170)

        self.assertEqual(failed(requests, [FAULT]), ["recovery from throttling", "errors"])

    def test_to_be_slow_is_not_to_have_recovered(self) -> None:
        requests = every_second(115, 122, duration_ms=500) + every_second(122, 400)

        self.assertEqual(failed(requests, [FAULT]), ["recovery from throttling"])

    def test_what_is_remembered_may_take_longer(self) -> None:
        def probes(last_failure: int) -> list[Request]:
            return [Request(second, "GET /health", 10, second > last_failure) for second in range(115, 170)]

        others = every_second(115, 170)

        self.assertEqual(failed(sorted(others + probes(129), key=lambda one: one.ended), [FAULT]), [])
        self.assertEqual(failed(sorted(others + probes(131), key=lambda one: one.ended), [FAULT]), ["errors"])

    def test_a_fault_that_health_does_not_notice_or_not_forget_is_a_failure(self) -> None:
        requests = every_second(115, 170)

        unnoticed = replace(FAULT, noticed=False)
        self.assertEqual(failed(requests, [unnoticed]), ["health during throttling"])
        lasting = replace(FAULT, healthy_after_seconds=float("inf"))
        self.assertEqual(failed(requests, [lasting]), ["healthy after throttling"])

    def test_no_response_at_all_is_no_recovery(self) -> None:
        self.assertIn("recovery from throttling", failed(every_second(90, 110), [FAULT]))

    def test_a_soak_without_faults_has_failed(self) -> None:
        self.assertIn("faults", failed(every_second(0, 60), []))

    def test_lines_are_read_in_the_order_of_time(self) -> None:
        lines = [f"2.000\t{LOAD}\t3.5\t0\n", f"1.000\t{LOAD}\t2.5\t1\n"]

        self.assertEqual(
            timeline.parse(lines), [Request(1.0, LOAD, 2.5, True), Request(2.0, LOAD, 3.5, False)]
        )

    def test_a_percentile_is_a_value_that_was_measured(self) -> None:
        self.assertEqual(timeline.percentile(list(range(1, 101)), 95), 95)
        self.assertEqual(timeline.percentile([7], 99), 7)


BODY = {"id": "a", "postCode": "2000"}
ACKNOWLEDGED = Expected(version=2, digest=digest(BODY))


class Writes(unittest.TestCase):
    def outcome(self, expected: Expected, status: int, etag: str = "", body: object = None) -> str:
        return verify.outcome(expected, Expected(), status, etag, body)

    def test_what_was_acknowledged_must_be_there_as_it_was(self) -> None:
        self.assertEqual(self.outcome(ACKNOWLEDGED, 200, '"2"', BODY), "there")
        self.assertEqual(self.outcome(ACKNOWLEDGED, 200, '"2"', {"id": "a"}), "CHANGED")
        self.assertEqual(self.outcome(ACKNOWLEDGED, 200, '"1"', BODY), "OTHER VERSION")
        self.assertEqual(self.outcome(ACKNOWLEDGED, 200, '"3"', BODY), "OTHER VERSION")
        self.assertEqual(self.outcome(ACKNOWLEDGED, 404), "LOST (404)")
        self.assertEqual(self.outcome(ACKNOWLEDGED, 410), "LOST (410)")

    def test_a_change_without_a_response_may_have_happened(self) -> None:
        uncertain = replace(ACKNOWLEDGED, uncertain=True)

        self.assertEqual(self.outcome(uncertain, 200, '"3"', {}), "changed without a response")
        self.assertEqual(self.outcome(uncertain, 410), "deleted without a response")
        self.assertEqual(self.outcome(uncertain, 200, '"1"', BODY), "OTHER VERSION")

    def test_what_was_deleted_must_be_gone_with_the_tests(self) -> None:
        gone = Expected(gone=True)

        self.assertEqual(self.outcome(gone, 410), "gone")
        self.assertEqual(self.outcome(gone, 200, '"1"', {}), "deleted but there")
        self.assertEqual(verify.outcome(ACKNOWLEDGED, gone, 410, "", None), "gone")

    def test_the_last_note_of_a_path_counts(self) -> None:
        notes = (
            {"path": "/patient/a", "what": "acknowledged", "etag": '"1"', "digest": "x"},
            {"path": "/patient/a", "what": "acknowledged", "etag": '"2"', "digest": "y"},
            {"path": "/patient/b", "what": "acknowledged", "etag": '"1"', "digest": "z"},
            {"path": "/patient/b", "what": "gone"},
        )

        self.assertEqual(
            verify.expectations(map(json.dumps, notes)),
            {"/patient/a": Expected(2, "y"), "/patient/b": Expected(1, "z", gone=True)},
        )


class Growth(unittest.TestCase):
    def test_the_first_quarter_is_for_warming_up(self) -> None:
        self.assertEqual(second_and_last_quarter([1, 1, 5, 5, 6, 6, 9, 9]), (5, 9))


if __name__ == "__main__":
    unittest.main()

import json
import os
import re
import sys
import unittest
from dataclasses import replace
from pathlib import Path
from unittest import mock

FOLDER = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(FOLDER))

import criteria  # noqa: E402
import operations  # noqa: E402
from criteria import Figures, Run  # noqa: E402

LIMITS = {
    "errorPercentMax": 1,
    "wrongResponsesMax": 0,
    "requestsPerSecondMin": 10,
    "operations": {"GET /patient/{patientId}": {"p95Ms": 100, "p99Ms": 200}},
}
GOOD = Run(1000, 10, 0, 10.0, {"GET /patient/{patientId}": Figures(500, 100, 200)})


def failed(run: Run) -> list[str]:
    return [verdict.criterion for verdict in criteria.judge(LIMITS, run) if not verdict.passed]


class Criteria(unittest.TestCase):
    def test_a_run_at_its_limits_has_passed(self) -> None:
        self.assertEqual(failed(GOOD), [])

    def test_each_criterion_can_fail(self) -> None:
        name = "GET /patient/{patientId}"
        for run, criterion in (
            (replace(GOOD, failures=11), "errors"),
            (replace(GOOD, wrong_responses=1), "wrong responses"),
            (replace(GOOD, requests_per_second=9.9), "throughput"),
            (replace(GOOD, operations={name: Figures(500, 101, 200)}), f"{name} p95"),
            (replace(GOOD, operations={name: Figures(500, 100, 201)}), f"{name} p99"),
            (replace(GOOD, operations={name: Figures(0, 0, 0)}), name),
            (replace(GOOD, operations={}), name),
        ):
            with self.subTest(criterion):
                self.assertEqual(failed(run), [criterion])

    def test_a_run_without_requests_has_failed(self) -> None:
        self.assertIn("errors", failed(Run(0, 0, 0, 0.0, {})))

    def test_a_relaxed_profile_changes_times_and_throughput_only(self) -> None:
        relaxed = criteria.relaxed(LIMITS, {"timesFactor": 10, "requestsPerSecondMin": 1})

        self.assertEqual(relaxed["operations"], {"GET /patient/{patientId}": {"p95Ms": 1000, "p99Ms": 2000}})
        self.assertEqual(relaxed["requestsPerSecondMin"], 1)
        self.assertEqual(relaxed["errorPercentMax"], 1)

    def test_the_table_says_what_has_failed(self) -> None:
        table = criteria.table(criteria.judge(LIMITS, replace(GOOD, wrong_responses=3)))

        self.assertRegex(table, r"wrong responses +3 +≤ 0  FAILED")

    def test_another_file_can_be_named(self) -> None:
        with mock.patch.dict(os.environ, {"LOAD_TEST_CRITERIA": "/nowhere"}), self.assertRaises(OSError):
            criteria.load()


class CriteriaFile(unittest.TestCase):
    def test_every_operation_of_the_api_has_limits(self) -> None:
        document = json.loads((FOLDER.parent / "patient-tests-api/openapi.json").read_text())
        described = {
            f"{method.upper()} {path}" for path, methods in document["paths"].items() for method in methods
        }

        self.assertEqual(set(operations.ALL), described)
        self.assertEqual(set(criteria.load()["operations"]), described)

    def test_azure_load_testing_has_the_same_limits(self) -> None:
        text = (FOLDER / "azure-load-testing.yaml").read_text()
        section = re.search(r"^failureCriteria:\n((?:  - .*\n)+)", text, re.MULTILINE)

        assert section is not None
        self.assertEqual(section[1].splitlines(), criteria.azure_failure_criteria(criteria.load()))

    def test_azure_load_testing_gets_every_module(self) -> None:
        text = (FOLDER / "azure-load-testing.yaml").read_text()
        local_only = {
            "run.py",
            "run_chaos.py",
            "soak.py",
            "stack.py",
            "faults.py",
            "monitor.py",
            "processes.py",
            "verify.py",
            "timeline.py",
        }
        needed = {file.name for file in FOLDER.glob("*.py")} - local_only - {"locustfile.py"}

        for name in needed | {"criteria.json"}:
            self.assertIn(f"  - {name}\n", text)


if __name__ == "__main__":
    unittest.main()

"""The criteria of a run; their limits are in criteria.json only."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("criteria.json")

FULL = "full"
"""The kind of run with full limits; other kinds name a section of the file that relaxes them."""


@dataclass(frozen=True)
class Figures:
    """The figures of one operation. Times are in milliseconds."""

    requests: int
    p95_ms: float
    p99_ms: float


@dataclass(frozen=True)
class Run:
    """The figures of a whole run."""

    requests: int
    failures: int
    wrong_responses: int
    requests_per_second: float
    operations: Mapping[str, Figures]

    @property
    def error_percent(self) -> float:
        """The share of failed requests."""
        return 100 * self.failures / self.requests if self.requests else 100.0


@dataclass(frozen=True)
class Verdict:
    """A criterion, the measured value, and whether it passed."""

    criterion: str
    measured: str
    limit: str
    passed: bool


def load(profile: str = FULL) -> dict[str, Any]:
    """Reads the limits from criteria.json or from the file that LOAD_TEST_CRITERIA names."""
    criteria = json.loads(Path(os.environ.get("LOAD_TEST_CRITERIA", FILE)).read_text())
    return criteria if profile == FULL else relaxed(criteria, criteria[profile])


def relaxed(criteria: dict[str, Any], profile: Mapping[str, Any]) -> dict[str, Any]:
    """Relaxes the limits for a machine with other work: longer times, another throughput."""
    operations = {
        name: {limit: milliseconds * profile["timesFactor"] for limit, milliseconds in limits.items()}
        for name, limits in criteria["operations"].items()
    }
    throughput = profile["requestsPerSecondMin"]
    return criteria | {"operations": operations, "requestsPerSecondMin": throughput}


def judge(criteria: Mapping[str, Any], run: Run) -> list[Verdict]:
    """Compares a run with every criterion. An operation without requests fails."""
    verdicts = [
        at_most("errors", run.error_percent, criteria["errorPercentMax"], "%"),
        at_most("wrong responses", run.wrong_responses, criteria["wrongResponsesMax"], ""),
        at_least("throughput", run.requests_per_second, criteria["requestsPerSecondMin"], "/s"),
    ]
    for name, limits in criteria["operations"].items():
        figures = run.operations.get(name)
        if figures is None or figures.requests == 0:
            verdicts.append(Verdict(name, "no requests", "some", passed=False))
            continue
        verdicts.append(at_most(f"{name} p95", figures.p95_ms, limits["p95Ms"], " ms"))
        verdicts.append(at_most(f"{name} p99", figures.p99_ms, limits["p99Ms"], " ms"))
    return verdicts


def at_most(criterion: str, measured: float, limit: float, unit: str) -> Verdict:
    """Passes up to and including the limit."""
    return Verdict(criterion, f"{measured:.4g}{unit}", f"≤ {limit}{unit}", measured <= limit)


def at_least(criterion: str, measured: float, limit: float, unit: str) -> Verdict:
    """Passes from the limit on."""
    return Verdict(criterion, f"{measured:.4g}{unit}", f"≥ {limit}{unit}", measured >= limit)


def table(verdicts: list[Verdict]) -> str:
    """Formats the verdicts as a table."""
    rows = [("criterion", "measured", "limit", "")]
    rows += [(v.criterion, v.measured, v.limit, "ok" if v.passed else "FAILED") for v in verdicts]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    name, measured, limit, _ = widths
    return "\n".join(
        f"{row[0]:<{name}}  {row[1]:>{measured}}  {row[2]:>{limit}}  {row[3]}".rstrip() for row in rows
    )


def azure_failure_criteria(criteria: Mapping[str, Any]) -> list[str]:
    """Formats the limits as lines of an Azure Load Testing configuration.

    Wrong responses count there as errors only: it has no such metric.
    """
    lines = [
        f"percentage(error) > {criteria['errorPercentMax']}",
        f"avg(requests_per_sec) < {criteria['requestsPerSecondMin']}",
    ]
    for name, limits in criteria["operations"].items():
        lines.append(f"{name}: p95(response_time_ms) > {limits['p95Ms']}")
        lines.append(f"{name}: p99(response_time_ms) > {limits['p99Ms']}")
    return [f"  - {line}" for line in lines]

"""Evaluates the request log of a soak: how fast the system recovered from each fault."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import criteria
import operations
from criteria import Figures, Run, Verdict
from faults import Fault


@dataclass(frozen=True)
class Request:
    """A request: end (Unix time), operation, duration, and whether it passed."""

    ended: float
    operation: str
    duration_ms: float
    passed: bool


def parse(lines: Iterable[str]) -> list[Request]:
    """Reads the log of report.py in chronological order."""
    requests = []
    for line in lines:
        ended, operation, duration_ms, passed = line.rstrip("\n").split("\t")
        requests.append(Request(float(ended), operation, float(duration_ms), passed == "1"))
    return sorted(requests, key=lambda request: request.ended)


def verdicts(
    requests: list[Request], faults: list[Fault], limits: Mapping[str, Any], recovery: Mapping[str, Any]
) -> list[Verdict]:
    """Evaluates the recovery from each fault, and every criterion outside of faults and recoveries."""
    if not faults:
        return [Verdict("faults", "none", "some", passed=False)]
    recovery_limit, health_limit = recovery["recoverySecondsMax"], recovery["healthRecoverySecondsMax"]
    judged = []
    ends = [fault.began for fault in faults[1:]] + [requests[-1].ended if requests else 0.0]
    quiet, quiet_seconds = list[Request](), 0.0
    for fault, end in zip(faults, ends, strict=True):
        after = [request for request in requests if fault.ended <= request.ended < end]
        probes = [request for request in after if request.operation in operations.REMEMBERED]
        others = [request for request in after if request.operation not in operations.REMEMBERED]
        recovered = recovery_seconds(others, fault.ended, limits)
        judged.append(criteria.at_most(f"recovery from {fault.name}", recovered, recovery_limit, " s"))
        judged += health(fault, health_limit)
        quiet += [request for request in others if request.ended >= fault.ended + recovery_limit]
        quiet += [request for request in probes if request.ended >= fault.ended + health_limit]
        quiet_seconds += max(0.0, end - fault.ended - recovery_limit)
    return judged + criteria.judge(limits, run(quiet, quiet_seconds))


def health(fault: Fault, limit: float) -> list[Verdict]:
    """Evaluates whether the system reported the fault and its end."""
    noticed = "unhealthy" if fault.noticed else "healthy"
    return [
        Verdict(f"health during {fault.name}", noticed, "unhealthy", fault.noticed),
        criteria.at_most(f"healthy after {fault.name}", fault.healthy_after_seconds, limit, " s"),
    ]


def recovery_seconds(after: list[Request], ended: float, limits: Mapping[str, Any]) -> float:
    """The end of a recovery: the last failure is past, and a second has fast requests only."""
    last_failure = max((request.ended - ended for request in after if not request.passed), default=0.0)
    p95_ms_max = max(operation["p95Ms"] for operation in limits["operations"].values())
    seconds = defaultdict[int, list[float]](list)
    for request in after:
        seconds[int(request.ended - ended)].append(request.duration_ms)
    good = (second for second in sorted(seconds) if percentile(seconds[second], 95) <= p95_ms_max)
    return max(last_failure, float(next(good, float("inf"))))


def run(requests: list[Request], seconds: float) -> Run:
    """The figures of these requests."""
    durations = defaultdict[str, list[float]](list)
    for request in requests:
        durations[request.operation].append(request.duration_ms)
    operations = {
        name: Figures(len(values), percentile(values, 95), percentile(values, 99))
        for name, values in durations.items()
    }
    failures = sum(not request.passed for request in requests)
    rate = len(requests) / seconds if seconds else 0.0
    return Run(len(requests), failures, 0, rate, operations)


def percentile(values: list[float], percent: int) -> float:
    """The value that this share of all values does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]

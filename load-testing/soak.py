"""A soak: many users for a long time, with faults, and a check of every write at the end."""

import argparse
import re
import signal
import subprocess
import sys
from collections.abc import Callable

import criteria
import stack
import timeline
import verify
from criteria import Verdict
from faults import Faults
from processes import Processes
from stack import OUTPUT, System

PROFILE = "soak"
REQUESTS = OUTPUT / "requests.tsv"
JOURNAL = OUTPUT / "journal.jsonl"
SECONDS = {"s": 1, "m": 60, "h": 3600}

StartLocust = Callable[[argparse.Namespace, System, dict[str, str]], subprocess.Popen[bytes]]


def run(options: argparse.Namespace, start_locust: StartLocust) -> int:
    """Runs a soak against a stack of its own; returns 0 if every criterion passed."""
    if not options.packaged:
        stack.package(debug=False)
    environment = {
        "LOAD_TEST_PROFILE": PROFILE,
        "LOAD_TEST_REQUESTS": str(REQUESTS),
        "LOAD_TEST_JOURNAL": str(JOURNAL),
    }
    with stack.own(faults=True) as system, Processes(system.process_id) as processes:
        locust = start_locust(options, system, environment)
        faults = Faults(system)
        try:
            faults.run(seconds(options.duration), lambda: locust.poll() is None)
            responses_were_right = locust.wait() == 0
        finally:
            locust.send_signal(signal.SIGTERM)
        with JOURNAL.open() as lines:
            expected = verify.expectations(lines)
        print(f"Reading all {len(expected)} records that were acknowledged …", flush=True)
        counts = verify.all_writes(system, expected)
    judged = judge(faults, processes, responses_were_right)
    judged += [Verdict(f"records {how}", str(n), "", how in verify.GOOD) for how, n in sorted(counts.items())]
    passed = all(verdict.passed for verdict in judged)
    print(f"\n{criteria.table(judged)}\n\n{'Passed.' if passed else 'Failed.'}")
    return 0 if passed else 1


def judge(faults: Faults, processes: Processes, responses_were_right: bool) -> list[Verdict]:
    """Evaluates everything but the writes."""
    limits = criteria.load(PROFILE)
    with REQUESTS.open() as lines:
        requests = timeline.parse(lines)
    failures = sum(not request.passed for request in requests)
    return [
        Verdict("requests, all", str(len(requests)), "", bool(requests)),
        Verdict("failures, including those during faults", str(failures), "", passed=True),
        Verdict(
            "responses with wrong content",
            "none" if responses_were_right else "some",
            "none",
            responses_were_right,
        ),
        *timeline.verdicts(requests, faults.past, limits, limits[PROFILE]),
        *processes.verdicts(limits[PROFILE]),
    ]


def seconds(duration: str) -> int:
    """Parses a duration such as 90s, 15m or 1h; in seconds."""
    match = re.fullmatch(r"(\d+)([smh])", duration)
    if not match:
        sys.exit(f"load-test: {duration} is not a duration such as 90s or 15m")
    return int(match[1]) * SECONDS[match[2]]

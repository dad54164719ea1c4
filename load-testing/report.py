"""Reports a run: progress, the table at the end, and the exit status."""

import os
import time
from pathlib import Path
from typing import Any, TextIO

import gevent
from locust import events
from locust.env import Environment
from locust.runners import STATE_RUNNING

import criteria
from api import wrong_responses

PROFILE = os.environ.get("LOAD_TEST_PROFILE", criteria.FULL)
PROGRESS_INTERVAL_SECONDS = 5

EVERY_REQUEST = "LOAD_TEST_REQUESTS"
"""The file to which every request is logged. A soak sets it and evaluates the file itself."""


@events.test_start.add_listener
def follow(environment: Environment, **_: Any) -> None:
    """Prints the progress every few seconds."""
    gevent.spawn(say_progress, environment)


def say_progress(environment: Environment) -> None:
    """Prints one line per interval during the run."""
    started = time.monotonic()
    gevent.sleep(PROGRESS_INTERVAL_SECONDS)
    while environment.runner and environment.runner.state == STATE_RUNNING:
        total, users = environment.stats.total, environment.runner.user_count
        p95_ms = total.get_current_response_time_percentile(0.95) or 0
        print(
            f"{time.monotonic() - started:5.0f} s  {users} users  {total.num_requests} requests  "
            f"{total.current_rps:.0f}/s  {total.num_failures} failed  p95 {p95_ms:.0f} ms",
            flush=True,
        )
        gevent.sleep(PROGRESS_INTERVAL_SECONDS)


@events.quitting.add_listener
def judge(environment: Environment, **_: Any) -> None:
    """Sets the exit status from the criteria."""
    if EVERY_REQUEST in os.environ:
        passed = not wrong_responses
    else:
        passed = all(verdict.passed for verdict in verdicts(environment))
    environment.process_exit_code = 0 if passed else 1


@events.test_stop.add_listener
def remember(environment: Environment, **_: Any) -> None:
    """Prints the table after Locust's own figures."""

    def say_verdict(**_: Any) -> None:
        for wrong in sorted(set(wrong_responses)):
            print(f"wrong response: {wrong}")
        if EVERY_REQUEST not in os.environ:
            judged = verdicts(environment)
            passed = all(verdict.passed for verdict in judged)
            print(f"{criteria.table(judged)}\n\n{'Passed.' if passed else 'Failed.'}", flush=True)

    events.quit.add_listener(say_verdict)


def verdicts(environment: Environment) -> list[criteria.Verdict]:
    """Evaluates each criterion on Locust's figures."""
    total = environment.stats.total
    operations = {
        entry.name: criteria.Figures(
            entry.num_requests,
            entry.get_response_time_percentile(0.95) or 0,
            entry.get_response_time_percentile(0.99) or 0,
        )
        for entry in environment.stats.entries.values()
    }
    run = criteria.Run(
        total.num_requests, total.num_failures, len(wrong_responses), total.total_rps, operations
    )
    return criteria.judge(criteria.load(PROFILE), run)


def write_every_request(file: TextIO) -> None:
    """Logs each request: end, operation, duration in ms, and whether it failed."""

    def note(name: str, response_time: float, exception: Exception | None, **_: Any) -> None:
        file.write(f"{time.time():.3f}\t{name}\t{response_time:.1f}\t{0 if exception else 1}\n")

    events.request.add_listener(note)


if EVERY_REQUEST in os.environ:
    write_every_request(Path(os.environ[EVERY_REQUEST]).open("w", buffering=1))

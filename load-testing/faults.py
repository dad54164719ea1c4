"""What is broken during a soak, when, and for how long."""

import math
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from mongod import Mongod
from processes import Processes

WARM_UP_SECONDS = 30
FAULT_SECONDS = 30
"""Longer than the apps try again, so that callers meet the refusals too."""

QUIET_SECONDS = 30
POLL_SECONDS = 0.5


@dataclass(frozen=True)
class Fault:
    """Something that was broken, from one moment (Unix time) to another."""

    name: str
    began: float
    ended: float
    noticed: bool
    """Whether the system said, at the end of the fault, that it is unhealthy."""

    healthy_after_seconds: float
    """How long after the fault it said for the first time that it is healthy."""


class Faults:
    """Breaks one thing after the other. What is broken is always mended, whatever happens."""

    def __init__(self, mongod: Mongod, processes: Processes, is_healthy: Callable[[], bool]) -> None:
        self._mongod = mongod
        self._processes = processes
        self._is_healthy = is_healthy
        self.past: list[Fault] = []

    def run(self, duration_seconds: float, still_running: Callable[[], bool]) -> None:
        """Follows the schedule: a fault and its quiet time only begin if both fit in."""
        end = time.monotonic() + duration_seconds
        kinds = (
            ("throttling", self._throttling),
            ("audit outage", self._audit_outage),
            ("mongod restart", self._mongod_restart),
        )
        wait(WARM_UP_SECONDS, still_running)
        while time.monotonic() + FAULT_SECONDS + QUIET_SECONDS <= end and still_running():
            name, fault = kinds[len(self.past) % len(kinds)]
            print(f"       {name} begins", flush=True)
            began = time.time()
            with fault():
                wait(FAULT_SECONDS, still_running)
                noticed = not self._is_healthy()
            ended = time.time()
            print(f"       {name} has ended", flush=True)
            healthy = wait(QUIET_SECONDS, still_running, self._is_healthy)
            self.past.append(Fault(name, began, ended, noticed, healthy))

    @contextmanager
    def _throttling(self) -> Iterator[None]:
        self._mongod.throttle()
        try:
            yield
        finally:
            self._mongod.stop_throttling()

    @contextmanager
    def _audit_outage(self) -> Iterator[None]:
        """The register takes calls and does not answer them, the worst that it can do."""
        handler = self._processes.find("audit-api")
        handler.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            handler.send_signal(signal.SIGCONT)

    @contextmanager
    def _mongod_restart(self) -> Iterator[None]:
        self._mongod.kill()
        try:
            yield
        finally:
            self._mongod.start_again()


def wait(
    seconds: float, still_running: Callable[[], bool], happens: Callable[[], bool] = lambda: False
) -> float:
    """Lets this much time of the schedule pass, unless the run ends first; says when something happened."""
    began = time.monotonic()
    happened = math.inf
    while time.monotonic() < began + seconds and still_running():
        if happened == math.inf and happens():
            happened = time.monotonic() - began
        time.sleep(POLL_SECONDS)
    return happened

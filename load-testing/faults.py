"""What is broken during a soak, when, and for how long."""

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


class Faults:
    """Breaks one thing after the other. What is broken is always mended, whatever happens."""

    def __init__(self, mongod: Mongod, processes: Processes) -> None:
        self._mongod = mongod
        self._processes = processes
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
            self.past.append(Fault(name, began, time.time()))
            print(f"       {name} has ended", flush=True)
            wait(QUIET_SECONDS, still_running)

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


def wait(seconds: float, still_running: Callable[[], bool]) -> None:
    """Lets this much time of the schedule pass, unless the run ends first."""
    limit = time.monotonic() + seconds
    while time.monotonic() < limit and still_running():
        time.sleep(POLL_SECONDS)

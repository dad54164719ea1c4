"""The faults of a soak: which, when, and for how long."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import monitor
import stack
from stack import System

KINDS = ("throttling", "audit-hang", "mongod-down")
"""The names on the control socket. Hanging is the worst fault of the Audit API."""

WARM_UP_SECONDS = 30
FAULT_SECONDS = 30
"""Longer than the apps retry, so that clients see the refusals too."""

QUIET_SECONDS = 30
POLL_SECONDS = 0.5


@dataclass(frozen=True)
class Fault:
    """A fault, with its begin and end (Unix time)."""

    name: str
    began: float
    ended: float
    noticed: bool
    """Whether the system reported that it is unhealthy at the end of the fault."""

    healthy_after_seconds: float
    """The seconds from the end of the fault until the system first reported that it is healthy."""


class Faults:
    """Injects one fault after the other. Every fault is ended, even after an error."""

    def __init__(self, system: System) -> None:
        self._system = system
        self.past: list[Fault] = []

    def run(self, duration_seconds: float, still_running: Callable[[], bool]) -> None:
        """Follows the schedule; a fault begins only if enough time remains for it and its quiet time."""
        end = time.monotonic() + duration_seconds
        wait(WARM_UP_SECONDS, still_running)
        while time.monotonic() + FAULT_SECONDS + QUIET_SECONDS <= end and still_running():
            name = KINDS[len(self.past) % len(KINDS)]
            print(f"       {name} begins", flush=True)
            began = time.time()
            with self._fault(name):
                wait(FAULT_SECONDS, still_running)
                noticed = not monitor.is_healthy(self._system)
            ended = time.time()
            print(f"       {name} has ended", flush=True)
            healthy = wait(QUIET_SECONDS, still_running, lambda: monitor.is_healthy(self._system))
            self.past.append(Fault(name, began, ended, noticed, healthy))

    @contextmanager
    def _fault(self, name: str) -> Iterator[None]:
        stack.control(self._system, f"fault begin {name}")
        try:
            yield
        finally:
            stack.control(self._system, f"fault end {name}")


def wait(
    seconds: float, still_running: Callable[[], bool], happens: Callable[[], bool] = lambda: False
) -> float:
    """Waits for the time or the end of the run; returns the seconds until `happens` was first true."""
    began = time.monotonic()
    happened = math.inf
    while time.monotonic() < began + seconds and still_running():
        if happened == math.inf and happens():
            happened = time.monotonic() - began
        time.sleep(POLL_SECONDS)
    return happened

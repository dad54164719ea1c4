"""What is broken during a soak, when, and for how long."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import monitor
import stack
from stack import System

KINDS = ("throttling", "audit-hang", "mongod-down")
"""As the stack's socket names them; the Audit API's hanging is the worst that it can do."""

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

    def __init__(self, system: System) -> None:
        self._system = system
        self.past: list[Fault] = []

    def run(self, duration_seconds: float, still_running: Callable[[], bool]) -> None:
        """Follows the schedule: a fault and its quiet time only begin if both fit in."""
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
    """Lets this much time of the schedule pass, unless the run ends first; says when something happened."""
    began = time.monotonic()
    happened = math.inf
    while time.monotonic() < began + seconds and still_running():
        if happened == math.inf and happens():
            happened = time.monotonic() - began
        time.sleep(POLL_SECONDS)
    return happened

"""Which fault begins when, and for how long: random, from a seed."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

SECONDS = {
    "mongod-down": (0.5, 5.0),
    "throttling": (2.0, 25.0),
    "audit-hang": (2.0, 25.0),
    "lost-replies": (5.0, 20.0),
    "delayed-replies": (3.0, 15.0),
    "delayed-writes": (3.0, 15.0),
    "patient-killed": (0.0, 0.0),
    "audit-killed": (0.0, 0.0),
}
"""The names on the control socket, and the shortest and the longest time."""

EXCLUSIVE = frozenset({"mongod-down", "throttling"})
"""These never overlap: throttling is set in mongod, and a restart would end it."""

GAP_SECONDS = (2.0, 18.0)
"""The time between the begins of two faults. Some last longer, so they overlap."""


@dataclass(frozen=True)
class PlannedFault:
    """A fault, with its begin and end in seconds from the start of the run."""

    name: str
    begin: float
    end: float


def plan(seed: str) -> Iterator[PlannedFault]:
    """Faults without end, in the order of their begins; each kind occurs before one occurs again."""
    random = Random(f"{seed}/faults")
    now = 0.0
    busy_until = dict.fromkeys(SECONDS, 0.0)
    while True:
        for name in random.sample(sorted(SECONDS), len(SECONDS)):
            now += random.uniform(*GAP_SECONDS)
            others = EXCLUSIVE if name in EXCLUSIVE else {name}
            now = max(now, *(busy_until[other] for other in others))
            busy_until[name] = now + random.uniform(*SECONDS[name])
            yield PlannedFault(name, now, busy_until[name])

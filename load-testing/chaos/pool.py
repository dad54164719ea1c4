"""The records that the callers know: some of them are shared, so that callers collide."""

from dataclasses import dataclass, field
from itertools import count
from random import Random

KNOWN_MAX = 60
SHARED_SHARE = 0.35
CALLERS_PER_KEY = 4
DELETED_FIRST_SHARE = 0.6


@dataclass(eq=False)
class Known:
    """A record, as the last response described it.

    Callers overwrite it without a lock: a stale view lets a conditional change be refused.
    """

    kind: str
    id: str
    patient: str
    path: str
    version: int
    deleted: bool = False
    tests: list["Known"] = field(default_factory=list)


class Shared:
    """What all callers have in common."""

    def __init__(self, seed: str) -> None:
        self.patients: list[Known] = []
        self._seed = seed
        self._keys = count()

    def key(self) -> tuple[str, Random]:
        """An idempotency key and the generator of its content; several callers get the same."""
        name = f"{self._seed}-shared-{next(self._keys) // CALLERS_PER_KEY}"
        return name, Random(name)


class Pool:
    """The records that one caller knows."""

    def __init__(self, shared: Shared, random: Random) -> None:
        self._shared = shared
        self._random = random
        self._patients: list[Known] = []

    def add(self, patient: Known) -> None:
        """Remembers a patient, and forgets the oldest of many."""
        self._patients.append(patient)
        if len(self._patients) > KNOWN_MAX:
            self._patients.pop(0)

    def patient(self) -> Known:
        """A shared patient, or one that no other caller knows."""
        own = self._patients and self._random.random() >= SHARED_SHARE
        return self._random.choice(self._patients if own else self._shared.patients)

    def test(self) -> Known | None:
        """A test of such a patient, if that patient has one."""
        tests = self.patient().tests
        return self._random.choice(tests) if tests else None

    def to_restore(self, kind: str) -> Known | None:
        """Preferably a deleted record, so that not everything ends up deleted."""
        patients = [*self._patients, *self._shared.patients]
        records = patients if kind == "patient" else [test for one in patients for test in one.tests]
        deleted = [record for record in records if record.deleted]
        if deleted and self._random.random() < DELETED_FIRST_SHARE:
            return self._random.choice(deleted)
        return self._random.choice(records) if records else None


def known_patient(identifier: str) -> Known:
    """A new patient."""
    return Known("patient", identifier, identifier, f"/patient/{identifier}", 1)


def known_test(patient: Known, identifier: str) -> Known:
    """A new test."""
    return Known("test", identifier, patient.id, f"{patient.path}/tests/{identifier}", 1)

"""The callers of a run, and its progress."""

import sys
import threading
import time
import traceback
from random import Random

import records
from chaos import requests
from chaos.caller import Caller
from chaos.client import Client
from chaos.injector import Injector
from chaos.ledger import Ledger
from chaos.pool import Shared, known_patient, known_test
from stack import StackError, System

SHARED_PATIENTS = 10
SHARED_TESTS = 2
PROGRESS_SECONDS = 10
POLL_SECONDS = 0.2


class Budget:
    """How much may be sent: a number of requests, a time, or both."""

    def __init__(self, requests: int | None, seconds: float | None) -> None:
        self._left = requests
        self._end = time.monotonic() + seconds if seconds else None
        self._lock = threading.Lock()
        self.stopped = False

    def take(self) -> bool:
        """Whether another request may be sent."""
        with self._lock:
            if self.stopped or (self._end and time.monotonic() >= self._end):
                return False
            if self._left is not None:
                self._left -= 1
                return self._left >= 0
            return True


def share_records(system: System, ledger: Ledger, seed: str) -> Shared:
    """Creates the records that all callers use, while nothing is broken yet."""
    shared = Shared(seed)
    random = Random(f"{seed}/shared")
    client = Client(system, ledger, -1, random)
    for _ in range(SHARED_PATIENTS):
        created = client.send(requests.create_patient(records.patient(random, "Shared")))
        if not created.acknowledges:
            raise StackError("the shared patients cannot be created")
        patient = known_patient(created.body["id"])
        for _ in range(SHARED_TESTS):
            test = client.send(requests.create_test(patient, records.medical_test(random)))
            if test.acknowledges:
                patient.tests.append(known_test(patient, test.body["id"]))
        shared.patients.append(patient)
    client.close()
    return shared


def run(system: System, ledger: Ledger, seed: str, callers: int, budget: Budget, injector: Injector) -> None:
    """Runs all callers until the budget is used up."""
    shared = share_records(system, ledger, seed)
    problems: list[str] = []

    def work(number: int) -> None:
        client = Client(system, ledger, number, Random(f"{seed}/{number}/traces"))
        try:
            Caller(number, seed, shared, client, budget.take).run()
        except Exception:
            problems.append(traceback.format_exc())
            budget.stopped = True

    with injector:
        threads = [threading.Thread(target=work, args=(number,), daemon=True) for number in range(callers)]
        for thread in threads:
            thread.start()
        follow(threads, ledger, injector, budget)
    if problems or injector.problem:
        print("\n".join(problems), file=sys.stderr)
        raise StackError(f"the run was cut short: {injector.problem or 'a caller failed'}")


def follow(threads: list[threading.Thread], ledger: Ledger, injector: Injector, budget: Budget) -> None:
    """Prints the progress until all callers are done."""
    began = time.monotonic()
    said = began
    while any(thread.is_alive() for thread in threads):
        time.sleep(POLL_SECONDS)
        if injector.problem:
            budget.stopped = True
        if time.monotonic() >= said + PROGRESS_SECONDS:
            said += PROGRESS_SECONDS
            faults = ", ".join(injector.active) or "no fault"
            print(f"{said - began:5.0f} s  {ledger.progress()}  {faults}", flush=True)

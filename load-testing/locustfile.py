"""A clinic's systems at work: the scenarios, and how often each happens."""

import os
from contextlib import suppress
from itertools import count
from pathlib import Path
from random import Random
from uuid import uuid4

from locust import FastHttpUser, between, task
from locust.exception import RescheduleTask

import operations
import report  # noqa: F401 (its listeners enforce the criteria)
from api import Api
from journal import Journal
from medical_tests import MedicalTests
from patients import Patients

SEED = os.environ.get("LOAD_TEST_SEED", "1")
PAUSE_SECONDS_MAX = float(os.environ.get("LOAD_TEST_PAUSE", "0.2"))
SUBSCRIPTION_KEY = os.environ["SUBSCRIPTION_KEY"]
JOURNAL = Journal(Path(os.environ["LOAD_TEST_JOURNAL"]) if "LOAD_TEST_JOURNAL" in os.environ else None)
NUMBERS = count()

ANSWER_SECONDS_MAX = 60
"""Three times what the apps give themselves: what takes longer has been forgotten."""

CONNECT_SECONDS_MAX = 10


class Clinic(FastHttpUser):
    """One system that registers patients and their tests, and reads them again."""

    wait_time = between(0, PAUSE_SECONDS_MAX)
    network_timeout = ANSWER_SECONDS_MAX
    connection_timeout = CONNECT_SECONDS_MAX

    def on_start(self) -> None:
        """Data follows the seed; keys and family names are new in each run."""
        number = next(NUMBERS)
        random = Random(f"{SEED}/{number}")
        self.api = api = Api(self.client, SUBSCRIPTION_KEY, JOURNAL)
        self.patients = Patients(api, random, uuid4().hex[:12])
        self.tests = MedicalTests(api, random, self.patients)
        if number == 0:
            self.do_everything_once()

    def do_everything_once(self) -> None:
        """Even the shortest run has tried each operation."""
        for scenario in dict.fromkeys(self.tasks):
            with suppress(RescheduleTask):
                scenario(self)

    @task(8)
    def create_patient(self) -> None:
        """Registers a patient and reads it back."""
        self.patients.create()

    @task(24)
    def load_patient(self) -> None:
        """Reads a patient again."""
        self.patients.load()

    @task(6)
    def load_unchanged_patient(self) -> None:
        """Asks whether a copy is still good."""
        self.patients.load_unchanged()

    @task(2)
    def ask_for_patient(self) -> None:
        """Asks for the version of a patient alone."""
        self.patients.ask()

    @task(5)
    def update_patient(self) -> None:
        """Changes a patient that nobody else has changed."""
        self.patients.update()

    @task(2)
    def update_conflicting(self) -> None:
        """Two change the same version: the second is told."""
        self.patients.update_conflicting()

    @task(3)
    def repeat_create(self) -> None:
        """Sends a create twice, as a client does that lost the answer."""
        self.patients.repeat_create()

    @task(1)
    def reuse_key(self) -> None:
        """Sends another patient under a key that was used."""
        self.patients.reuse_key()

    @task(7)
    def search_patients(self) -> None:
        """Follows a search to its last page."""
        self.patients.search()

    @task(4)
    def create_invalid(self) -> None:
        """Makes a mistake, and is told where."""
        self.patients.create_invalid()

    @task(2)
    def load_unknown(self) -> None:
        """Asks for a patient that never was."""
        self.patients.load_unknown()

    @task(1)
    def delete_patient(self) -> None:
        """Deletes a patient, with tests, and finds it gone."""
        self.patients.delete()

    @task(8)
    def create_test(self) -> None:
        """Registers the results of a sample and reads them back."""
        self.tests.create()

    @task(12)
    def load_test(self) -> None:
        """Reads results again."""
        self.tests.load()

    @task(5)
    def load_tests(self) -> None:
        """Follows a patient's tests to the last page."""
        self.tests.load_all()

    @task(2)
    def ask_for_tests(self) -> None:
        """Asks for the versions of tests alone."""
        self.tests.ask()

    @task(3)
    def update_test(self) -> None:
        """Makes preliminary results final."""
        self.tests.update()

    @task(2)
    def create_invalid_test(self) -> None:
        """Forgets a field of an observation."""
        self.tests.create_invalid()

    @task(2)
    def delete_test(self) -> None:
        """Deletes a test twice, and finds it gone."""
        self.tests.delete()

    @task(1)
    def probe(self) -> None:
        """Asks whether requests work, as a monitor does."""
        self.api.send(
            operations.HEALTH, "/health", 200, check=lambda answer: [] if answer.body == {} else ["a body"]
        )
        self.api.send(operations.HEALTH_HEAD, "/health", 200)

"""The scenarios of a clinic's systems, with their weights."""

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

RESPONSE_SECONDS_MAX = 60
"""Three times the apps' own deadline: a request that takes longer is lost."""

CONNECT_SECONDS_MAX = 10


class Clinic(FastHttpUser):
    """A system that registers patients and tests and reads them again."""

    wait_time = between(0, PAUSE_SECONDS_MAX)
    network_timeout = RESPONSE_SECONDS_MAX
    connection_timeout = CONNECT_SECONDS_MAX

    def on_start(self) -> None:
        """The data depends on the seed; idempotency keys and family names are new in each run."""
        number = next(NUMBERS)
        random = Random(f"{SEED}/{number}")
        self.api = api = Api(self.client, SUBSCRIPTION_KEY, JOURNAL)
        self.patients = Patients(api, random, uuid4().hex[:12])
        self.tests = MedicalTests(api, random, self.patients)
        if number == 0:
            self.do_everything_once()

    def do_everything_once(self) -> None:
        """Runs each operation once, so that even the shortest run covers all."""
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
        """Revalidates a known version."""
        self.patients.load_unchanged()

    @task(2)
    def ask_for_patient(self) -> None:
        """Reads only the version of a patient (HEAD)."""
        self.patients.load_head()

    @task(5)
    def update_patient(self) -> None:
        """Updates a patient without a conflict."""
        self.patients.update()

    @task(2)
    def update_conflicting(self) -> None:
        """Updates a stale version, which must be refused."""
        self.patients.update_conflicting()

    @task(3)
    def repeat_create(self) -> None:
        """Repeats a create, as after a lost response."""
        self.patients.repeat_create()

    @task(1)
    def reuse_key(self) -> None:
        """Reuses an idempotency key for another patient."""
        self.patients.reuse_key()

    @task(7)
    def search_patients(self) -> None:
        """Follows a search to its last page."""
        self.patients.search()

    @task(4)
    def create_invalid(self) -> None:
        """Sends an invalid patient; the problem must name the field."""
        self.patients.create_invalid()

    @task(2)
    def load_unknown(self) -> None:
        """Reads an unknown patient."""
        self.patients.load_unknown()

    @task(1)
    def delete_patient(self) -> None:
        """Deletes a patient with tests; then it must be gone."""
        self.patients.delete()

    @task(1)
    def restore_patient(self) -> None:
        """Restores an earlier version of a patient."""
        self.patients.restore()

    @task(1)
    def restore_test(self) -> None:
        """Restores an earlier version of a test."""
        self.tests.restore()

    @task(8)
    def create_test(self) -> None:
        """Registers a test and reads it back."""
        self.tests.create()

    @task(12)
    def load_test(self) -> None:
        """Reads a test again."""
        self.tests.load()

    @task(5)
    def load_tests(self) -> None:
        """Follows a patient's tests to the last page."""
        self.tests.load_all()

    @task(2)
    def ask_for_tests(self) -> None:
        """Reads only the versions of tests (HEAD)."""
        self.tests.load_heads()

    @task(3)
    def update_test(self) -> None:
        """Updates preliminary results to final."""
        self.tests.update()

    @task(2)
    def create_invalid_test(self) -> None:
        """Sends an observation without a required field."""
        self.tests.create_invalid()

    @task(2)
    def delete_test(self) -> None:
        """Deletes a test twice; then it must be gone."""
        self.tests.delete()

    @task(1)
    def probe(self) -> None:
        """Reads the health, as a monitor does."""
        self.api.send(
            operations.HEALTH,
            "/health",
            200,
            check=lambda response: [] if response.body == {} else ["a body"],
        )
        self.api.send(operations.HEALTH_HEAD, "/health", 200)

    @task(2)
    def read_register(self) -> None:
        """Asks who saw a patient."""
        self.patients.read_register()

    @task(1)
    def load_reconciliation(self) -> None:
        """Reads the report of the reconciliation, as an operator does; before the first run there is none."""
        self.api.send(operations.LOAD_RECONCILIATION, "/reconciliation", frozenset({200, 404}))

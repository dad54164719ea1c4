"""The scenarios for medical tests."""

from random import Random

import operations
import records
import responses
from api import Api, Response
from known import Known
from pages import Pages
from patients import Patients

TESTS_PAGE = 2
TESTS_MAX = 12
"""The number of tests per patient that are remembered and read again."""


class MedicalTests:
    """The tests of one user's patients."""

    def __init__(self, api: Api, random: Random, patients: Patients) -> None:
        self._api = api
        self._random = random
        self._patients = patients

    def create(self) -> tuple[Known, Known]:
        """Registers a test and reads it back; returns the patient and the test."""
        patient = self._patients.any()
        body = records.medical_test(self._random)
        complete = body | {"patientId": patient.id}

        def check(response: Response) -> list[str]:
            location, etag = response.headers.get("Location"), response.etag
            return responses.created(complete, response.body, location, etag)

        response = self._api.send(
            operations.CREATE_TEST, f"{patient.path}/tests", 201, body=body, check=check
        )
        test = Known(f"{patient.path}/tests/{response.body['id']}", response.etag, response.body)
        self._api.journal.acknowledged(test.path, test.etag, test.body)
        patient.tests.append(test)
        if len(patient.tests) > TESTS_MAX:
            patient.tests.pop(0)
        self._load(test)
        return patient, test

    def load(self) -> None:
        """Reads a test and compares every field."""
        _, test = self._any()
        self._load(test)

    def load_all(self) -> None:
        """All pages together must list each test of a patient once."""
        patient, _ = self._any()
        expected = {test.id for test in patient.tests}
        pages = Pages(operations.LOAD_TESTS, f"{patient.path}/tests", TESTS_PAGE)
        pages.read(self._api, lambda ids: responses.listing(ids, expected, patient.deleted_tests))

    def load_heads(self) -> None:
        """HEAD must return the headers of the list and of a test."""
        patient, test = self._any()
        self._api.send(operations.LOAD_TESTS_HEAD, f"{patient.path}/tests", 200)
        self._api.send(operations.LOAD_TEST_HEAD, test.path, 200, check=test.is_there)

    def update(self) -> None:
        """Updates the results to final and reads them back."""
        patient, test = self._any()
        final = [observation | {"status": "final"} for observation in test.body["observations"]]
        patient.tests.remove(test)
        test.update(self._api, operations.UPDATE_TEST, test.body | {"observations": final})
        patient.tests.append(test)
        self._load(test)

    def restore(self) -> None:
        """An updated test can be restored and is in the history."""
        patient, test = self._any()
        old = Known(test.path, test.etag, test.body)
        patient.tests.remove(test)
        test.update(self._api, operations.UPDATE_TEST, test.body | {"performer": "Other laboratory"})
        test.restore(self._api, operations.RESTORE_TEST, old)
        patient.tests.append(test)
        self._load(test)
        test.check_history(self._api, operations.LOAD_TEST_HISTORY)
        old.check_version(self._api, operations.LOAD_TEST_VERSION)

    def create_invalid(self) -> None:
        """An invalid test must be refused, and the problem must name the field."""
        patient = self._patients.any()
        body, pointers = records.invalid_medical_test(self._random)
        self._api.send(
            operations.CREATE_TEST + operations.REFUSED,
            f"{patient.path}/tests",
            400,
            body=body,
            check=lambda response: responses.problem(response.body, 400, pointers),
        )

    def delete(self) -> None:
        """A deleted test must be gone; deleting it again must succeed."""
        patient, test = self._any()
        patient.tests.remove(test)
        self._api.send(operations.DELETE_TEST, test.path, 204)
        patient.deleted_tests.add(test.id)
        self._api.journal.deleted(test.path)
        self._api.send(operations.DELETE_TEST, test.path, 204)
        self._api.send(
            operations.LOAD_TEST + operations.REFUSED,
            test.path,
            410,
            check=lambda response: responses.problem(response.body, 410),
        )

    def _any(self) -> tuple[Known, Known]:
        patient = self._patients.any()
        return (patient, self._random.choice(patient.tests)) if patient.tests else self.create()

    def _load(self, test: Known) -> None:
        self._api.send(operations.LOAD_TEST, test.path, 200, check=test.is_unchanged)

"""The scenarios for patients."""

from random import Random
from typing import Any
from uuid import uuid4

import operations
import records
import responses
from api import Api, Response
from known import Known
from pages import Pages

HOUSEHOLD_MAX = 12
"""The number of patients per family name, which keeps searches short."""

SEARCH_PAGE = 5
KNOWN_MAX = 200


class Patients:
    """One user's patients. No other user changes them."""

    def __init__(self, api: Api, random: Random, household: str) -> None:
        self._api = api
        self._random = random
        self._household = household
        self._families = 0
        self._known: list[Known] = []
        self._deleted: set[str] = set()
        self._start_family()

    def any(self) -> Known:
        """An existing patient."""
        return self._random.choice(self._known) if self._known else self.create()

    def create(self) -> Known:
        """Registers a patient and reads it back."""
        patient = self._keep(self._create(self._new()))
        self._load(patient)
        return patient

    def load(self) -> None:
        """Reads a patient and compares every field."""
        self._load(self.any())

    def load_unchanged(self) -> None:
        """A known version must not be sent again."""
        patient = self.any()
        self._api.send(operations.LOAD_PATIENT, patient.path, 304, headers={"If-None-Match": patient.etag})

    def load_head(self) -> None:
        """HEAD must return the version of a patient."""
        patient = self.any()
        self._api.send(operations.LOAD_PATIENT_HEAD, patient.path, 200, check=patient.is_there)

    def read_register(self) -> None:
        """The register must tell of the last read of a patient, in the access log and in its records."""
        patient = self.any()
        self._load(patient)
        identifier = patient.path.rpartition("/")[2]

        def is_told(response: Response) -> list[str]:
            newest = response.body[0]["action"] if response.body else "nothing"
            # Nobody else uses this patient, but others' searches can find it.
            return [] if newest in ("read", "found in a search") else [f"the newest line says {newest}"]

        self._api.send(operations.LOAD_ACCESS_LOG, f"{patient.path}/access-log?limit=5", 200, check=is_told)
        search = {"patientId": identifier, "operation": "read", "resourceType": "patient"}
        found = self._api.send(operations.SEARCH_AUDIT_RECORDS, "/audit/search?limit=5", 200, body=search)
        record = found.body[0]

        def is_found(response: Response) -> list[str]:
            return [] if response.body == record else ["another record"]

        self._api.send(operations.LOAD_AUDIT_RECORD, f"/audit/{record['id']}", 200, check=is_found)

    def update(self) -> None:
        """Updates the post code of a patient and reads it back."""
        patient = self.any()
        self._update(patient)
        self._load(patient)

    def restore(self) -> None:
        """A version that was updated, and every other time deleted, can be restored and is in the history."""
        patient = self.any()
        old = Known(patient.path, patient.etag, patient.body)
        self._update(patient)
        if self._random.random() < 0.5:
            self.forget(patient)
            patient.delete(self._api, operations.DELETE_PATIENT)
        self.forget(patient)
        patient.restore(self._api, operations.RESTORE_PATIENT, old)
        self._known.append(patient)
        self._load(patient)
        patient.check_history(self._api, operations.LOAD_PATIENT_HISTORY)
        old.check_version(self._api, operations.LOAD_PATIENT_VERSION)

    def update_conflicting(self) -> None:
        """An update of a stale version must be refused and change nothing."""
        patient = self.any()
        old = patient.etag
        self._update(patient)
        self._api.send(
            operations.UPDATE_PATIENT + operations.REFUSED,
            patient.path,
            412,
            body=patient.body | {"postCode": self._random.choice(records.POST_CODES)},
            headers={"If-Match": old},
            check=lambda response: (
                responses.problem(response.body, 412)
                + ([] if response.etag == patient.etag else ["ETag is not the current version"])
            ),
        )
        self._load(patient)

    def repeat_create(self) -> None:
        """A repeated create with the same key and content must return the same patient."""
        body = self._new()
        headers = {"Idempotency-Key": str(uuid4())}
        first = self._create(body, headers)
        self._keep(first)
        self._api.send(
            operations.CREATE_PATIENT,
            "/patient",
            201,
            body=body,
            headers=headers,
            check=lambda response: is_replayed(first, response),
        )

    def reuse_key(self) -> None:
        """The same key with other content must be refused."""
        body = self._new()
        headers = {"Idempotency-Key": str(uuid4())}
        self._keep(self._create(body, headers))
        self._api.send(
            operations.CREATE_PATIENT + operations.REFUSED,
            "/patient",
            422,
            body=body | {"firstName": f"{body['firstName']} II"},
            headers=headers,
            check=lambda response: responses.problem(response.body, 422),
        )

    def search(self) -> None:
        """All pages of a search together must list each patient of a family once."""
        family = self._last_name
        self.any()
        expected = {patient.id for patient in self._known if patient.body["lastName"] == family}
        pages = Pages(operations.SEARCH_PATIENT, "/patient/search", SEARCH_PAGE, {"lastName": family})
        pages.read(self._api, lambda ids: responses.listing(ids, expected, self._deleted))

    def create_invalid(self) -> None:
        """An invalid patient must be refused, and the problem must name the field."""
        body, pointers = records.invalid_patient(self._random)
        self._api.send(
            operations.CREATE_PATIENT + operations.REFUSED,
            "/patient",
            400,
            body=body,
            check=lambda response: responses.problem(response.body, 400, pointers),
        )

    def load_unknown(self) -> None:
        """An unknown patient must not be found."""
        self._api.send(
            operations.LOAD_PATIENT + operations.REFUSED,
            f"/patient/{uuid4()}",
            404,
            check=lambda response: responses.problem(response.body, 404),
        )

    def delete(self) -> None:
        """A deleted patient must be gone."""
        patient = self.any()
        self.forget(patient)
        self._api.send(operations.DELETE_PATIENT, patient.path, 204)
        self._deleted.add(patient.id)
        self._api.journal.deleted(patient.path)
        self._api.send(
            operations.LOAD_PATIENT + operations.REFUSED,
            patient.path,
            410,
            check=lambda response: responses.problem(response.body, 410),
        )

    def forget(self, patient: Known) -> None:
        """Forgets a patient: a change may or may not have happened."""
        if patient in self._known:
            self._known.remove(patient)

    def _start_family(self) -> None:
        self._families += 1
        self._members = 0
        self._last_name = records.last_name(self._random, f"{self._household}-{self._families}")

    def _new(self) -> dict[str, Any]:
        if self._members == HOUSEHOLD_MAX:
            self._start_family()
        self._members += 1
        return records.patient(self._random, self._last_name)

    def _create(self, body: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
        def check(response: Response) -> list[str]:
            location, etag = response.headers.get("Location"), response.etag
            return responses.created(body, response.body, location, etag)

        return self._api.send(
            operations.CREATE_PATIENT, "/patient", 201, body=body, headers=headers, check=check
        )

    def _keep(self, response: Response) -> Known:
        patient = Known(f"/patient/{response.body['id']}", response.etag, response.body)
        self._api.journal.acknowledged(patient.path, patient.etag, patient.body)
        self._known.append(patient)
        if len(self._known) > KNOWN_MAX:
            self._known.pop(0)
        return patient

    def _load(self, patient: Known) -> None:
        self._api.send(operations.LOAD_PATIENT, patient.path, 200, check=patient.is_unchanged)

    def _update(self, patient: Known) -> None:
        others = [code for code in records.POST_CODES if code != patient.body["postCode"]]
        body = patient.body | {"postCode": self._random.choice(others)}
        self.forget(patient)
        patient.update(self._api, operations.UPDATE_PATIENT, body)
        self._known.append(patient)


def is_replayed(first: Response, second: Response) -> list[str]:
    """Checks the response to a repeated create."""
    wrong = [] if second.body == first.body else ["a different patient"]
    if second.headers.get("Idempotency-Replayed") != "true":
        wrong.append("Idempotency-Replayed is missing")
    return wrong

"""One caller: requests in random order on records of its own and on shared ones."""

import time
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any
from uuid import UUID

import records
import responses
from chaos import requests
from chaos.client import RESPONSE_SECONDS_MAX, Client, Received
from chaos.ledger import Request
from chaos.pool import Known, Pool, Shared, known_patient, known_test

IMPATIENT_SHARE = 0.02
IMPATIENT_SECONDS_MAX = 0.1
"""A caller that leaves so early does not learn whether its request succeeded."""

ATTEMPTS_MAX = 6
RETRY_SECONDS_MAX = 1.0
PAUSE_SECONDS_MAX = 0.2
"""The longest pause after a failure, so that quick failures do not use up the requests of a run."""

REPEATED_SHARE = 0.2
REUSED_SHARE = 0.1
CONDITIONAL_SHARE = 0.5
CURRENT_SHARE = 0.7
SHARED_KEY_SHARE = 0.3
METHODS = ("GET", "GET", "GET", "HEAD")
OTHER_CONTENT = {"patient": {"firstName": "Other"}, "test": {"orderReference": "Other"}}
PAGES_MAX = 3
TESTS_MAX = 8


class Caller:
    """A caller that goes on until `may_send` says no."""

    def __init__(
        self, number: int, seed: str, shared: Shared, client: Client, may_send: Callable[[], bool]
    ) -> None:
        self._random = Random(f"{seed}/{number}")
        self._shared = shared
        self._pool = Pool(shared, self._random)
        self._client = client
        self._may_send = may_send
        self._family = records.last_name(self._random, f"{seed}-{number}")
        self._keys = 0
        self._name = f"{seed}-{number}"

    def run(self) -> None:
        """Sends requests until the end of the run."""
        tasks, weights = zip(*TASKS.items(), strict=True)
        while self._may_send():
            self._random.choices(tasks, weights)[0](self)
        self._client.close()

    def create_patient(self) -> None:
        """Creates a patient without a key: an attempt that fails is not repeated."""
        created = self._send(requests.create_patient(records.patient(self._random, self._family)))
        self._keep(created)

    def create_patient_with_key(self) -> None:
        """Creates a patient with a key, which may be used by several callers at once."""
        key, random = self._key()
        request = requests.create_patient(records.patient(random, self._family_of(key)), key)
        self._create_for_certain(request)

    def create_test(self) -> None:
        """Creates a test without a key."""
        patient = self._pool.patient()
        created = self._send(requests.create_test(patient, records.medical_test(self._random)))
        self._keep(created, patient)

    def create_test_with_key(self) -> None:
        """Creates a test with a key."""
        patient = self._pool.patient()
        key, random = self._own_key()
        self._create_for_certain(requests.create_test(patient, records.medical_test(random), key), patient)

    def load_patient(self) -> None:
        """Reads a patient, sometimes only if it has changed."""
        self._load(self._pool.patient())

    def load_test(self) -> None:
        """Reads a test, sometimes only if it has changed."""
        self._load(self._pool.test())

    def load_tests(self) -> None:
        """Reads the pages of a patient's tests."""
        patient = self._pool.patient()
        method = self._random.choice(METHODS)
        self._read_pages(lambda query: requests.load_tests(patient, method, query))

    def search(self) -> None:
        """Reads the pages of a search."""
        criteria = self._random.choice(
            ({"lastName": self._family}, {"postCode": self._random.choice(records.POST_CODES)})
        )
        self._read_pages(lambda query: requests.search(criteria, query))

    def load_history(self) -> None:
        """Lists the versions of a record, or reads one of them."""
        known = self._random.choice((self._pool.patient, self._pool.test))()
        if known:
            version = self._random.choice((None, self._random.randint(1, known.version + 1)))
            self._send(requests.load_history(known, version))

    def load_unknown(self) -> None:
        """Reads a patient that does not exist."""
        unknown = str(UUID(int=self._random.getrandbits(128), version=4))
        self._send(requests.load(known_patient(unknown), "GET"))

    def create_invalid(self) -> None:
        """Sends an invalid patient."""
        body, _ = records.invalid_patient(self._random)
        self._send(requests.create_patient(body))

    def update_patient(self) -> None:
        """Replaces a patient."""
        patient = self._pool.patient()
        self._update(patient, records.patient(self._random, self._family))

    def update_test(self) -> None:
        """Replaces a test."""
        test = self._pool.test()
        if test:
            self._update(test, records.medical_test(self._random))

    def delete_patient(self) -> None:
        """Deletes a patient."""
        self._delete(self._pool.patient())

    def delete_test(self) -> None:
        """Deletes a test."""
        self._delete(self._pool.test())

    def restore_patient(self) -> None:
        """Restores a version of a patient."""
        self._restore(self._pool.to_restore("patient"))

    def restore_test(self) -> None:
        """Restores a version of a test."""
        self._restore(self._pool.to_restore("test"))

    def _load(self, known: Known | None) -> None:
        if known is None:
            return
        method = self._random.choice(METHODS)
        unless = known.version if self._random.random() < CONDITIONAL_SHARE else None
        found = self._send(requests.load(known, method, unless))
        if found.version:
            known.version, known.deleted = found.version, False

    def _update(self, known: Known, content: dict[str, Any]) -> None:
        if self._change(known, requests.update(known, content, self._expected(known))).acknowledges:
            known.deleted = False

    def _delete(self, known: Known | None) -> None:
        if known and self._change(known, requests.delete(known, self._expected(known))).acknowledges:
            known.deleted = True

    def _restore(self, known: Known | None) -> None:
        if known:
            version = self._random.randint(1, known.version)
            request = requests.restore(known, version, self._expected(known))
            if self._change(known, request).acknowledges:
                known.deleted = False

    def _expected(self, known: Known) -> int | None:
        """The version for If-Match: none, the one that is known, or the one before it."""
        if self._random.random() >= CONDITIONAL_SHARE:
            return None
        return known.version if self._random.random() < CURRENT_SHARE else max(known.version - 1, 1)

    def _change(self, known: Known, request: Request) -> Received:
        changed = self._send(request)
        known.version = changed.version or known.version
        return changed

    def _create_for_certain(self, request: Request, patient: Known | None = None) -> None:
        """Repeats a create with a key until there is a response, as the contract advises."""
        for _ in range(ATTEMPTS_MAX):
            created = self._send(request)
            if not created.failed:
                break
            time.sleep(self._random.random() * RETRY_SECONDS_MAX)
        else:
            return
        self._keep(created, patient)
        if self._random.random() < REPEATED_SHARE:
            self._send(request)
        if self._random.random() < REUSED_SHARE:
            self._send(replace(request, body=request.body | OTHER_CONTENT[request.kind]))

    def _keep(self, created: Received, patient: Known | None = None) -> None:
        """Remembers a patient, or a test of this patient."""
        if not created.acknowledges:
            return
        identifier = created.body["id"]
        if patient is None:
            self._pool.add(known_patient(identifier))
        elif len(patient.tests) < TESTS_MAX:
            patient.tests.append(known_test(patient, identifier))

    def _read_pages(self, request: Callable[[str], Request]) -> None:
        query: str | None = f"limit={self._random.randint(2, 50)}"
        for _ in range(PAGES_MAX):
            query = responses.next_page(self._send(request(query)).link)
            if query is None:
                break

    def _key(self) -> tuple[str, Random]:
        return self._shared.key() if self._random.random() < SHARED_KEY_SHARE else self._own_key()

    def _own_key(self) -> tuple[str, Random]:
        self._keys += 1
        return f"{self._name}-{self._keys}", self._random

    def _family_of(self, key: str) -> str:
        """The family of a patient depends on the key only if callers share it."""
        return self._family if key.startswith(self._name) else "Shared"

    def _send(self, request: Request) -> Received:
        seconds = RESPONSE_SECONDS_MAX
        if self._random.random() < IMPATIENT_SHARE:
            seconds = self._random.uniform(0.001, IMPATIENT_SECONDS_MAX)
        received = self._client.send(request, seconds)
        if received.failed:
            time.sleep(self._random.random() * PAUSE_SECONDS_MAX)
        return received


TASKS: dict[Callable[[Caller], Any], int] = {
    Caller.create_patient: 6,
    Caller.create_patient_with_key: 6,
    Caller.create_test: 5,
    Caller.create_test_with_key: 5,
    Caller.load_patient: 16,
    Caller.load_test: 10,
    Caller.load_tests: 5,
    Caller.load_history: 7,
    Caller.load_unknown: 1,
    Caller.search: 5,
    Caller.create_invalid: 1,
    Caller.update_patient: 14,
    Caller.update_test: 8,
    Caller.delete_patient: 2,
    Caller.delete_test: 2,
    Caller.restore_patient: 4,
    Caller.restore_test: 3,
}
"""What a caller does, and how often."""

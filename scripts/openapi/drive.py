"""Uses every operation of the API through the client that openapi-python-client generates from its document.

Checks that the client gets what the document promises: typed records, typed problems, and the documented
statuses and headers. An operation that was not used is a failure.
"""

import json
import os
import re
import sys
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import httpx
from patient_records import AuthenticatedClient
from patient_records.api.health import health, health_head
from patient_records.api.patients import (
    create_patient,
    delete_patient,
    load_patient,
    load_patient_head,
    load_patient_history,
    load_patient_version,
    restore_patient,
    search_patient,
    update_patient,
)
from patient_records.api.register import (
    load_access_log,
    load_audit_record,
    load_reconciliation,
    search_audit_records,
)
from patient_records.api.tests import (
    create_test,
    delete_test,
    load_test,
    load_test_head,
    load_test_history,
    load_test_version,
    load_tests,
    load_tests_head,
    restore_test,
    update_test,
)
from patient_records.models import (
    Access,
    AuditRecord,
    AuditRecordSearch,
    Gender,
    Health,
    NewPatient,
    NewTest,
    Observation,
    Patient,
    PatientReplacement,
    PatientSearch,
    Problem,
    Restoration,
    Test,
    TestReplacement,
    Version,
    VersionOperation,
)
from patient_records.types import Response

T = TypeVar("T")


class Document:
    """The operations of an OpenAPI document, and those that were used."""

    def __init__(self, path: Path) -> None:
        paths = json.loads(path.read_text())["paths"]
        # Literal paths match before templates do.
        templates = sorted(paths, key=lambda template: template.count("{"))
        self.operations = [
            (method.upper(), re.compile(re.sub(r"\{\w+\}", "[^/]+", template)), operation["operationId"])
            for template in templates
            for method, operation in paths[template].items()
        ]
        self.used: set[str] = set()

    def note(self, response: httpx.Response) -> None:
        """Records the operation that a request used."""
        request = response.request
        for method, template, name in self.operations:
            if method == request.method and template.fullmatch(request.url.path):
                self.used.add(name)
                return

    def unused(self) -> list[str]:
        """The operations that were not used."""
        return sorted({name for _, _, name in self.operations} - self.used)


def expect(actual: Any, expected: Any, what: str) -> None:
    """Ends the program if two values differ."""
    if actual != expected:
        sys.exit(f"drive: {what} is {actual!r}, not {expected!r}")


def body(response: Response[Any], status: int, kind: type[T]) -> T:
    """The body of a response, which must have this status and type."""
    expect((response.status_code.value, type(response.parsed)), (status, kind), "a response")
    return response.parsed


def page(response: Response[Any], kind: type[T]) -> tuple[list[T], str | None]:
    """The items of a page, and the cursor of the next one."""
    items = body(response, 200, list)
    expect({type(item) for item in items} - {kind}, set(), "a page's foreign items")
    link = response.headers.get("Link")
    target = re.match(r'<(.*)>; rel="next"$', link)[1] if link else ""
    return items, next(iter(parse_qs(urlsplit(target).query).get("cursor", [])), None)


def no_body(response: Response[Any], status: int) -> None:
    """Checks for a status without a body."""
    expect((response.status_code.value, response.content), (status, b""), "a response without a body")


def problem(response: Response[Any], status: int, kind: str) -> Problem:
    """A problem of this kind."""
    read = body(response, status, Problem)
    expect((read.type_, read.status), (f"urn:problem:patient-records:{kind}", status), "a problem")
    return read


def drive_patients(client: AuthenticatedClient) -> None:
    """Creates, loads, replaces, finds and deletes patients."""
    family = f"Lovelace {uuid4()}"
    new = NewPatient(
        first_name="Ada",
        last_name=family,
        gender=Gender.FEMALE,
        date_of_birth="1815-12-10",
        post_code="2000",
    )
    key = str(uuid4())
    created = create_patient.sync_detailed(client=client, body=new, idempotency_key=key)
    patient = body(created, 201, Patient)
    expect((patient.last_name, patient.gender), (family, Gender.FEMALE), "the patient")
    expect((type(patient.id), type(patient.last_updated)), (UUID, datetime), "the types")
    expect(created.headers["Location"].endswith(str(patient.id)), True, "that Location names it")
    again = create_patient.sync_detailed(client=client, body=new, idempotency_key=key)
    expect(body(again, 201, Patient), patient, "what the same key creates")
    expect(again.headers["Idempotency-Replayed"], "true", "Idempotency-Replayed")
    nameless = NewPatient(first_name="", gender=Gender.OTHER, date_of_birth="1815", post_code="2000")
    refused = problem(create_patient.sync_detailed(client=client, body=nameless), 400, "invalid-request")
    expect([error.pointer for error in refused.errors], ["/firstName"], "the wrong fields")

    loaded = load_patient.sync_detailed(patient.id, client=client)
    expect(body(loaded, 200, Patient), patient, "the loaded patient")
    version = loaded.headers["ETag"]
    known = load_patient.sync_detailed(patient.id, client=client, if_none_match=version)
    no_body(known, 304)
    head = load_patient_head.sync_detailed(patient.id, client=client)
    no_body(head, 200)
    expect(head.headers["ETag"], version, "the ETag of HEAD")
    no_body(load_patient_head.sync_detailed(uuid4(), client=client), 404)
    other = load_patient.sync_detailed(patient.id, client=client, if_match='"7"')
    problem(other, 412, "version-mismatch")
    expect(other.headers["ETag"], version, "the ETag of a mismatch")

    # A loaded record can be sent back, changed: both types have the same fields.
    change = PatientReplacement.from_dict({**patient.to_dict(), "postCode": "3000"})
    replaced = update_patient.sync_detailed(patient.id, client=client, body=change, if_match=version)
    expect(body(replaced, 200, Patient).post_code, "3000", "the replaced post code")
    stale = update_patient.sync_detailed(patient.id, client=client, body=change, if_match=version)
    problem(stale, 412, "version-mismatch")
    expect(stale.headers["ETag"], replaced.headers["ETag"], "the ETag of a mismatch")

    everybody = {patient.id}
    for _ in range(2):
        everybody.add(body(create_patient.sync_detailed(client=client, body=new), 201, Patient).id)
    criteria = PatientSearch(last_name=family, gender=Gender.FEMALE)
    first, cursor = page(search_patient.sync_detailed(client=client, body=criteria, limit=2), Patient)
    rest, end = page(
        search_patient.sync_detailed(client=client, body=criteria, limit=2, cursor=UUID(cursor)), Patient
    )
    expect((len(first), {found.id for found in first + rest}, end), (2, everybody, None), "who was found")

    drive_tests(client, patient.id)

    version = replaced.headers["ETag"]
    no_body(delete_patient.sync_detailed(patient.id, client=client, if_match=version), 204)
    no_body(delete_patient.sync_detailed(patient.id, client=client), 204)
    problem(load_patient.sync_detailed(patient.id, client=client), 410, "deleted")
    versions, cursor = page(load_patient_history.sync_detailed(patient.id, client=client, limit=2), Version)
    expect((versions[0].version, versions[0].operation), (3, VersionOperation.DELETE), "the newest version")
    rest, end = page(
        load_patient_history.sync_detailed(patient.id, client=client, limit=2, cursor=int(cursor)), Version
    )
    expect(([entry.version for entry in versions + rest], end), ([3, 2, 1], None), "the versions")
    problem(load_patient_version.sync_detailed(patient.id, 3, client=client), 410, "deleted")
    first = load_patient_version.sync_detailed(patient.id, 1, client=client)
    expect((body(first, 200, Patient), first.headers["ETag"]), (patient, '"1"'), "the first version")
    back = restore_patient.sync_detailed(patient.id, client=client, body=Restoration(version=1))
    expect((body(back, 200, Patient).post_code, back.headers["ETag"]), ("2000", '"4"'), "what was restored")
    problem(load_patient.sync_detailed(uuid4(), client=client), 404, "not-found")


def drive_tests(client: AuthenticatedClient, patient_id: UUID) -> None:
    """Creates, loads, lists, replaces and deletes a patient's tests."""
    # As most laboratories send them: without an interpretation, and with a date only.
    observations = [
        Observation(
            id="1", code="4548-4", status="final", issued="2020-05-14T15:14:15.120+02:00", measurement="5.4 %"
        ),
        Observation(id="2", code="2345-7", status="final", issued="2020-05-14"),
    ]
    new = NewTest(performer="Lab", order_reference="A-1", observations=observations)
    created = create_test.sync_detailed(patient_id, client=client, body=new)
    test = body(created, 201, Test)
    expect((test.patient_id, test.observations), (patient_id, observations), "the test")
    problem(create_test.sync_detailed(uuid4(), client=client, body=new), 404, "not-found")

    loaded = load_test.sync_detailed(patient_id, test.id, client=client)
    expect(body(loaded, 200, Test), test, "the loaded test")
    version = loaded.headers["ETag"]
    no_body(load_test.sync_detailed(patient_id, test.id, client=client, if_none_match=version), 304)
    head = load_test_head.sync_detailed(patient_id, test.id, client=client)
    no_body(head, 200)
    expect(head.headers["ETag"], version, "the ETag of HEAD")

    other = body(create_test.sync_detailed(patient_id, client=client, body=new), 201, Test)
    first, cursor = page(load_tests.sync_detailed(patient_id, client=client, limit=1), Test)
    rest, end = page(load_tests.sync_detailed(patient_id, client=client, limit=1, cursor=UUID(cursor)), Test)
    expect((first + rest, end), (sorted([test, other], key=lambda one: one.id), None), "the list")
    head = load_tests_head.sync_detailed(patient_id, client=client, limit=1)
    no_body(head, 200)
    expect(cursor in head.headers["Link"], True, "that HEAD has the same Link")

    change = TestReplacement.from_dict({**test.to_dict(), "performer": "Other lab"})
    replaced = update_test.sync_detailed(patient_id, test.id, client=client, body=change, if_match=version)
    expect(body(replaced, 200, Test).performer, "Other lab", "the replaced performer")
    stale = delete_test.sync_detailed(patient_id, test.id, client=client, if_match=version)
    problem(stale, 412, "version-mismatch")
    version = replaced.headers["ETag"]
    no_body(delete_test.sync_detailed(patient_id, test.id, client=client, if_match=version), 204)
    problem(load_test.sync_detailed(patient_id, test.id, client=client), 410, "deleted")
    versions, _ = page(load_test_history.sync_detailed(patient_id, test.id, client=client), Version)
    expect([entry.version for entry in versions], [3, 2, 1], "the versions of the test")
    first = load_test_version.sync_detailed(patient_id, test.id, 1, client=client)
    expect(body(first, 200, Test), test, "the first version of the test")
    back = restore_test.sync_detailed(patient_id, test.id, client=client, body=Restoration(version=1))
    expect((body(back, 200, Test).performer, back.headers["ETag"]), ("Lab", '"4"'), "the restored test")


def drive_register(client: AuthenticatedClient) -> None:
    """Reads who saw a new patient, in the access log and in the register."""
    new = NewPatient(first_name="Grace", gender=Gender.FEMALE, date_of_birth="1906", post_code="2000")
    created = body(create_patient.sync_detailed(client=client, body=new), 201, Patient)
    body(load_patient.sync_detailed(created.id, client=client), 200, Patient)
    lines, _ = page(load_access_log.sync_detailed(created.id, client=client), Access)
    expect([line.action.value for line in lines], ["read", "created"], "the lines of the access log")
    search = AuditRecordSearch(patient_id=created.id)
    records, _ = page(search_audit_records.sync_detailed(client=client, body=search, limit=1), AuditRecord)
    expect([record.resource.type_ for record in records], ["accessLog"], "the newest record")
    loaded = body(load_audit_record.sync_detailed(records[0].id, client=client), 200, AuditRecord)
    expect(loaded, records[0], "the audit record")


def drive_health(client: AuthenticatedClient) -> None:
    """Calls health, as a monitor does."""
    expect(body(health.sync_detailed(client=client), 200, Health).to_dict(), {}, "what health says")
    no_body(health_head.sync_detailed(client=client), 200)


def client_with(key: str, document: Document) -> AuthenticatedClient:
    """A client with this subscription key."""
    return AuthenticatedClient(
        base_url=os.environ["GATEWAY_URL"],
        token=key,
        prefix="",
        auth_header_name="Ocp-Apim-Subscription-Key",
        raise_on_unexpected_status=True,
        timeout=httpx.Timeout(30),
        httpx_args={"event_hooks": {"response": [document.note]}},
    )


def main() -> None:
    """Uses the API at GATEWAY_URL, whose document is the first argument."""
    document = Document(Path(sys.argv[1]))
    with client_with("wrong", document) as stranger:
        problem(load_patient.sync_detailed(uuid4(), client=stranger), 401, "unauthorized")
    with client_with(os.environ["SUBSCRIPTION_KEY"], document) as client:
        drive_health(client)
        drive_patients(client)
        drive_register(client)
        # No run of the reconciliation is due so early.
        problem(load_reconciliation.sync_detailed(client=client), 404, "not-found")
    expect(document.unused(), [], "the list of operations that were not used")
    print(f"The generated client used all {len(document.used)} operations.")


main()

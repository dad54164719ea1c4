"""The requests of the callers."""

from typing import Any

from chaos.ledger import Request
from chaos.pool import Known


def create_patient(body: Any, key: str | None = None) -> Request:
    """CreatePatient."""
    return Request("CreatePatient", "POST", "/patient", "patient", "create", body=body, headers=with_key(key))


def create_test(patient: Known, body: Any, key: str | None = None) -> Request:
    """CreateTest."""
    path = f"{patient.path}/tests"
    headers = with_key(key)
    return Request("CreateTest", "POST", path, "test", "create", patient.id, body=body, headers=headers)


def load(known: Known, method: str, unless: int | None = None) -> Request:
    """LoadPatient or LoadTest, unless the caller has this version."""
    headers = {"If-None-Match": f'"{unless}"'} if unless else {}
    return about(known, "Load{}", method, "read", headers=headers)


def load_tests(patient: Known, method: str, query: str) -> Request:
    """LoadTest for a page of a patient's tests."""
    return Request("LoadTest", method, f"{patient.path}/tests?{query}", "test", "read", patient.id)


def load_history(known: Known, version: int | None) -> Request:
    """LoadPatientHistory or LoadTestHistory: a version, or the list."""
    path = f"/history/{version}" if version else "/history"
    return about(known, "Load{}History", "GET", "read", path, version)


def search(criteria: dict[str, str], query: str) -> Request:
    """SearchPatient."""
    return Request("SearchPatient", "POST", f"/patient/search?{query}", "patient", "search", body=criteria)


def update(known: Known, content: dict[str, Any], expected: int | None) -> Request:
    """UpdatePatient or UpdateTest."""
    body = content | {"id": known.id}
    return about(known, "Update{}", "PUT", "update", body=body, headers=if_match(expected))


def delete(known: Known, expected: int | None) -> Request:
    """DeletePatient or DeleteTest."""
    return about(known, "Delete{}", "DELETE", "delete", headers=if_match(expected))


def restore(known: Known, version: int, expected: int | None) -> Request:
    """RestorePatient or RestoreTest."""
    body = {"version": version}
    headers = if_match(expected)
    return about(known, "Restore{}", "POST", "restore", "/restore", version, body=body, headers=headers)


def about(
    known: Known,
    function: str,
    method: str,
    operation: str,
    path: str = "",
    version: int | None = None,
    **other: Any,
) -> Request:
    """A request about one record; the function's name has its kind in it."""
    name = function.format(known.kind.capitalize())
    path = f"{known.path}{path}"
    return Request(name, method, path, known.kind, operation, known.patient, known.id, version, **other)


def with_key(key: str | None) -> dict[str, str]:
    """The header with an idempotency key."""
    return {"Idempotency-Key": key} if key else {}


def if_match(expected: int | None) -> dict[str, str]:
    """The header that demands this version."""
    return {"If-Match": f'"{expected}"'} if expected else {}

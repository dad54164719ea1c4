"""Checks responses: each function returns the errors, with names but never values."""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

Record = Mapping[str, Any]

GIVEN_BY_THE_API = {"id", "lastUpdated"}


def differences(written: Record, read: Any) -> list[str]:
    """The fields whose value read differs from the value written."""
    if not isinstance(read, dict):
        return ["the body is not a record"]
    fields = sorted((written.keys() | read.keys()) - GIVEN_BY_THE_API)
    return [f"{field} is not as written" for field in fields if written.get(field) != read.get(field)]


def created(written: Record, read: Any, location: str | None, etag: str | None) -> list[str]:
    """Checks the response to a create."""
    wrong = differences(written, read)
    identifier = read.get("id") if isinstance(read, dict) else None
    if not is_guid(identifier):
        wrong.append("id is not a GUID")
    elif not location or not location.endswith(identifier):
        wrong.append("Location does not end with the id")
    if etag != '"1"':
        wrong.append("ETag is not that of version 1")
    return wrong


def problem(read: Any, status: int, pointers: Iterable[str] | None = None) -> list[str]:
    """Checks a problem response (RFC 9457)."""
    if not isinstance(read, dict):
        return ["the body is not a problem"]
    wrong = []
    if read.get("status") != status:
        wrong.append("the problem's status is not that of the response")
    if not str(read.get("type", "")).startswith("urn:problem:patient-records:"):
        wrong.append("the problem has an unknown type")
    if pointers is not None and {error.get("pointer") for error in read.get("errors", [])} != set(pointers):
        wrong.append("the problem does not point at the invalid fields")
    return wrong


def listing(identifiers: list[str], expected: set[str], gone: set[str]) -> list[str]:
    """Checks all pages of a list together.

    More records than expected are allowed: a write whose response was lost may have succeeded.
    """
    wrong = []
    if len(set(identifiers)) != len(identifiers):
        wrong.append("a record is listed twice")
    if identifiers != sorted(identifiers):
        wrong.append("the records are not sorted by id")
    if not expected <= set(identifiers):
        wrong.append("a record is missing")
    if gone & set(identifiers):
        wrong.append("a deleted record is listed")
    return wrong


def next_page(link: str | None) -> str | None:
    """The query of the next page, from a Link header (RFC 8288)."""
    for part in (link or "").split(","):
        target, _, parameters = part.strip().partition(">")
        if target.startswith("<") and 'rel="next"' in parameters:
            return urlsplit(target[1:]).query
    return None


def is_guid(value: Any) -> bool:
    """Whether this is a GUID as the API writes it: lower case, with hyphens."""
    try:
        return str(UUID(value)) == value
    except (AttributeError, TypeError, ValueError):
        return False

"""What a run has left behind: the ledger, the stored versions and the audit records.

An audit record has the trace of its request; a version names the record that announced it.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

from chaos.ledger import Entry

K = TypeVar("K")
V = TypeVar("V")

GIVEN_BY_THE_API = frozenset({"id", "lastUpdated", "patientId"})
"""The fields of a body that are no content."""

INTENDED, SUCCEEDED, UNKNOWN = "intended", "succeeded", "unknown"


@dataclass(frozen=True)
class Version:
    """A stored version of a record, from its collection or from the history."""

    kind: str
    id: str
    number: int
    patient: str
    audit_id: str | None
    content: dict[str, Any]
    last_updated: str
    deleted: bool = False
    restored: int | None = None
    """The version whose content it restored."""

    current: bool = True
    """Whether it is in the collection of the current versions."""

    name: str = ""
    """Its `_id` in the history, which must be `<id>:<number>`."""

    def __str__(self) -> str:
        return f"{self.kind} {self.id}, version {self.number}"


@dataclass(frozen=True)
class AuditRecord:
    """A record of the register."""

    id: str
    outcome: str
    type: str
    operation: str
    trace: str | None
    resource_id: str | None = None
    patient: str | None = None
    disclosed: list[str] | None = None
    version: int | None = None
    relates_to: str | None = None
    created: str = ""
    by: str | None = None
    """The name of the key of whoever wrote it."""

    def __str__(self) -> str:
        return f"audit record {self.id} ({self.operation} {self.type} {self.resource_id}, trace {self.trace})"


@dataclass(frozen=True)
class Evidence:
    """All of it."""

    entries: list[Entry]
    stored: list[Version]
    records: list[AuditRecord]

    @cached_property
    def versions(self) -> dict[tuple[str, str], dict[int, Version]]:
        """The versions of each record by number: the current one, and the history below it.

        A change copies the version that it is going to replace, so the history may have a copy of the
        current version too: the change did not happen.
        """
        current = {(version.kind, version.id): version.number for version in self.stored if version.current}
        versions: dict[tuple[str, str], dict[int, Version]] = defaultdict(dict)
        for version in self.stored:
            record = (version.kind, version.id)
            if version.current or version.number != current.get(record):
                versions[record][version.number] = version
        return versions

    @cached_property
    def all_versions(self) -> list[Version]:
        """All versions, each once."""
        return [version for numbered in self.versions.values() for version in numbered.values()]

    @cached_property
    def record_of_id(self) -> dict[str, AuditRecord]:
        """The audit records by id."""
        return {record.id: record for record in self.records}

    @cached_property
    def entry_of_trace(self) -> dict[str, Entry]:
        """The requests by trace."""
        return {entry.trace: entry for entry in self.entries}

    @cached_property
    def records_of_trace(self) -> dict[str, list[AuditRecord]]:
        """The audit records of each request."""
        return grouped((record.trace, record) for record in self.records if record.trace)

    @cached_property
    def ends_of_intent(self) -> dict[str, list[AuditRecord]]:
        """The records that tell how an intent ended."""
        return grouped((record.relates_to, record) for record in self.records if record.relates_to)

    @cached_property
    def versions_of_intent(self) -> dict[str, list[Version]]:
        """The versions that name an audit record as their announcement."""
        return grouped((version.audit_id, version) for version in self.all_versions if version.audit_id)

    def intents_of(self, entry: Entry) -> list[AuditRecord]:
        """The announcements of a request."""
        return [one for one in self.records_of_trace.get(entry.trace, []) if one.outcome == INTENDED]

    def made_by(self, entry: Entry) -> list[Version]:
        """The versions that a request made."""
        return [
            version
            for intent in self.intents_of(entry)
            for version in self.versions_of_intent.get(intent.id, [])
        ]

    def changed_nothing(self, entry: Entry) -> bool:
        """Whether the register says that a request succeeded without a change, such as a second delete."""
        ends = (end for intent in self.intents_of(entry) for end in self.ends_of_intent.get(intent.id, []))
        return any(end.outcome == SUCCEEDED for end in ends)


def grouped(pairs: Iterable[tuple[K, V]]) -> dict[K, list[V]]:
    """The values of each key."""
    groups: dict[K, list[V]] = defaultdict(list)
    for key, value in pairs:
        groups[key].append(value)
    return groups


def content(body: dict[str, Any]) -> dict[str, Any]:
    """The fields of a body that a client sets."""
    return {name: value for name, value in body.items() if name not in GIVEN_BY_THE_API}

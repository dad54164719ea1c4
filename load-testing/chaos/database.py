"""Reads what the apps have stored, past the apps."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import pymongo
from pymongo.database import Database

from chaos.evidence import AuditRecord, Version, content
from stack import Store

COLLECTIONS = (
    ("patient", "patients", True),
    ("patient", "patientVersions", False),
    ("test", "tests", True),
    ("test", "testVersions", False),
)
"""The type of the records in each collection, and whether it has the current versions."""


def dump(store: Store, versions: Path, records: Path) -> None:
    """Writes all versions and all audit records to files, one JSON object per line."""
    with pymongo.MongoClient(store.connection_string) as client:
        write(versions, (asdict(version) for version in stored_versions(client[store.patient_tests])))
        audits = client[store.audit]["audits"].find().sort("_id")
        write(records, (asdict(audit_record(document)) for document in audits))


def read(versions: Path, records: Path) -> tuple[list[Version], list[AuditRecord]]:
    """Reads these files."""
    with versions.open() as lines:
        stored = [Version(**json.loads(line)) for line in lines]
    with records.open() as lines:
        return stored, [AuditRecord(**json.loads(line)) for line in lines]


def stored_versions(database: Database[dict[str, Any]]) -> Iterator[Version]:
    """The documents of all collections."""
    for kind, collection, is_current in COLLECTIONS:
        for document in database[collection].find().sort("_id"):
            yield version(document, kind, is_current=is_current)


def version(document: dict[str, Any], kind: str, *, is_current: bool) -> Version:
    """A document as a version; hidden fields begin with an underscore."""
    visible = {name: value for name, value in document.items() if not name.startswith("_")}
    return Version(
        kind,
        visible["id"],
        document.get("_version", 1),
        document["_shardKey"],
        document.get("_auditId"),
        content(visible),
        timestamp(visible["lastUpdated"]),
        document.get("_deleted", False),
        document.get("_restoredVersion"),
        is_current,
        document["_id"],
    )


def audit_record(document: dict[str, Any]) -> AuditRecord:
    """A document of the register."""
    resource = document["resource"]
    return AuditRecord(
        document["_id"],
        document.get("outcome", ""),
        resource["type"],
        resource["operation"],
        document.get("traceId"),
        resource.get("id"),
        resource.get("patientId"),
        resource.get("disclosed"),
        resource.get("version"),
        document.get("relatesTo"),
        timestamp(document["createdDate"]),
        document.get("actor", {}).get("keyName"),
    )


def timestamp(date: datetime) -> str:
    """A date as the API writes it."""
    return f"{date.isoformat(timespec='milliseconds')}Z"


def write(file: Path, objects: Iterator[dict[str, Any]]) -> None:
    """Writes one JSON object per line."""
    with file.open("w") as lines:
        lines.writelines(json.dumps(one, ensure_ascii=False) + "\n" for one in objects)

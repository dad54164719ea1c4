"""Reads every acknowledged write and checks it."""

import http.client
import json
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from journal import GONE, digest
from stack import System

CALLERS = 8
REQUEST_LIMIT_SECONDS = 60
OK, NO_LONGER_THERE = 200, 410


@dataclass
class Expected:
    """The expected state of a record."""

    version: int = 0
    digest: str = ""
    gone: bool = False
    uncertain: bool = False
    """Whether the outcome of a change is unknown, since its response was lost."""


def expectations(lines: Iterable[str]) -> dict[str, Expected]:
    """The last acknowledged state of each path."""
    expected: dict[str, Expected] = {}
    for line in lines:
        note = json.loads(line)
        record = expected.setdefault(note["path"], Expected())
        if note["what"] == "acknowledged":
            record.version, record.digest = version(note["etag"]), note["digest"]
            record.gone = False
        elif note["what"] == GONE:
            record.gone = True
        else:
            record.uncertain = True
    return expected


def outcome(expected: Expected, patient: Expected, status: int, etag: str, body: Any) -> str:
    """Classifies a record: as acknowledged, or how it differs."""
    if expected.gone or patient.gone:
        return "gone" if status == NO_LONGER_THERE else "deleted but there"
    uncertain = expected.uncertain or patient.uncertain
    if status == NO_LONGER_THERE and uncertain:
        return "deleted without a response"
    if status != OK:
        return f"LOST ({status})"
    if version(etag) == expected.version:
        return "there" if digest(body) == expected.digest else "CHANGED"
    if version(etag) > expected.version and uncertain:
        return "changed without a response"
    return "OTHER VERSION"


GOOD = {"gone", "there", "deleted without a response", "changed without a response"}


def all_writes(system: System, expected: dict[str, Expected]) -> Counter[str]:
    """Reads every record through the API and counts the classes."""
    paths = sorted(expected)
    shares = [paths[number::CALLERS] for number in range(CALLERS)]
    with ThreadPoolExecutor(CALLERS) as callers:
        counts = callers.map(lambda share: read_share(system, share, expected), shares)
        return sum(counts, Counter[str]())


def read_share(system: System, paths: list[str], expected: dict[str, Expected]) -> Counter[str]:
    """Reads some records over one connection."""
    counts = Counter[str]()
    address = urlsplit(system.url).netloc
    connection = http.client.HTTPConnection(address, timeout=REQUEST_LIMIT_SECONDS)
    for path in paths:
        connection.request("GET", path, headers={"Ocp-Apim-Subscription-Key": system.subscription_key})
        response = connection.getresponse()
        text = response.read()
        body = json.loads(text) if response.status == OK else None
        patient = expected.get(path.partition("/tests/")[0], Expected())
        counts[outcome(expected[path], patient, response.status, response.headers.get("ETag", ""), body)] += 1
    connection.close()
    return counts


def version(etag: str) -> int:
    """The version in an ETag; 0 without one."""
    digits = etag.strip('"')
    return int(digits) if digits.isdigit() else 0

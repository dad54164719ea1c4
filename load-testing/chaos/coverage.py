"""Whether a run has called everything that there is for patients and tests."""

import json
import re
from pathlib import Path
from typing import Any

from chaos.check import Check
from chaos.ledger import Entry
from stack import ROOT

OPENAPI = ROOT / "patient-tests-api/openapi.json"
TAGS = frozenset({"Patients", "Tests"})


def operations(openapi: Path = OPENAPI) -> dict[str, re.Pattern[str]]:
    """The name of each operation on patients and tests, with a pattern of its method and path."""
    paths: dict[str, dict[str, Any]] = json.loads(openapi.read_text())["paths"]
    return {
        operation["operationId"]: re.compile(f"{method.upper()} {re.sub('{[^}]*}', '[^/]+', path)}")
        for path, methods in paths.items()
        for method, operation in methods.items()
        if method != "parameters" and TAGS & set(operation["tags"])
    }


def called(entries: list[Entry], patterns: dict[str, re.Pattern[str]]) -> Check:
    """Every operation has succeeded at least once."""
    check = Check("every operation was called")
    requests = [entry.request for entry in entries if entry.acknowledged]
    calls = {f"{request.method} {request.path.partition('?')[0]}" for request in requests}
    for name, pattern in patterns.items():
        check.holds(any(map(pattern.fullmatch, calls)), f"{name} never succeeded")
    return check

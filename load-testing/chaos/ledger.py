"""The ledger of a run: every request, and every response, in a file outside of the system under test.

A request is noted before it is sent and its response once it is there; each note is one line of JSON that
has reached the operating system before the run goes on. A request without a response may have happened.
"""

import json
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

FAILED = 500

WRITES = frozenset({"create", "update", "delete", "restore"})


@dataclass(frozen=True)
class Request:
    """A request, with what the audit register must know about it."""

    function: str
    method: str
    path: str
    kind: str
    """The type of the resource: patient or test."""

    operation: str
    """As in the register: create, read, update, delete, search or restore."""

    patient: str | None = None
    id: str | None = None
    version: int | None = None
    """The version in the path or to restore."""

    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def writes(self) -> bool:
        """Whether it asks for a change."""
        return self.operation in WRITES

    @property
    def key(self) -> str | None:
        """The idempotency key."""
        return self.headers.get("Idempotency-Key")


@dataclass(frozen=True)
class Response:
    """A response, as far as it is checked later."""

    status: int
    version: int | None = None
    """The version in the ETag."""

    disclosed: list[str] | None = None
    """The ids that were handed out; None if the response does not tell (HEAD of a list)."""

    body: Any = None
    """The body of a response to a write."""

    replayed: bool = False

    @property
    def acknowledges(self) -> bool:
        """Whether it reports success."""
        return 200 <= self.status < 400

    @property
    def refuses(self) -> bool:
        """Whether it reports that nothing has happened."""
        return 400 <= self.status < 500


@dataclass(frozen=True)
class Entry:
    """A request of a run, and its response if one came."""

    trace: str
    """The trace id that the client sent; the audit records of the request have it."""

    caller: int
    sent: float
    request: Request
    response: Response | None = None
    answered: float | None = None

    @property
    def acknowledged(self) -> bool:
        """Whether the caller knows that it succeeded."""
        return self.response is not None and self.response.acknowledges

    def __str__(self) -> str:
        status = self.response.status if self.response else "no response"
        return f"{self.request.function} {self.request.path} ({status}, trace {self.trace})"


class Ledger:
    """Appends to the file; callers share it."""

    def __init__(self, file: Path) -> None:
        # Line buffering hands each line over at once: nothing is lost if this process is killed.
        self._file = file.open("w", buffering=1)
        self._lock = Lock()
        self._counts = Counter[str]()

    def sends(self, trace: str, caller: int, request: Request) -> None:
        """Notes a request that is about to be sent."""
        self._counts["requests"] += 1
        self._note({"sent": time.time(), "trace": trace, "caller": caller, "request": asdict(request)})

    def receives(self, trace: str, response: Response) -> None:
        """Notes the response to a request."""
        self._counts["responses"] += 1
        self._counts["failures"] += response.status >= FAILED
        self._note({"answered": time.time(), "trace": trace, "response": asdict(response)})

    def progress(self) -> str:
        """How many requests were sent, and what became of them."""
        counts = self._counts
        return (
            f"{counts['requests']} requests, {counts['responses']} responses, {counts['failures']} failures"
        )

    def close(self) -> None:
        """Closes the file; callers that are late find it closed."""
        with self._lock:
            self._file.close()

    def _note(self, note: dict[str, Any]) -> None:
        line = json.dumps(note, ensure_ascii=False) + "\n"
        with self._lock:
            self._file.write(line)


def read(lines: Iterable[str]) -> list[Entry]:
    """The entries of a ledger in the order in which they were sent."""
    entries: dict[str, Entry] = {}
    for line in lines:
        note = json.loads(line)
        trace = note["trace"]
        if "request" in note:
            entries[trace] = Entry(trace, note["caller"], note["sent"], Request(**note["request"]))
        else:
            sent = entries[trace]
            response = Response(**note["response"])
            entries[trace] = Entry(trace, sent.caller, sent.sent, sent.request, response, note["answered"])
    return list(entries.values())

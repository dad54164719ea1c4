"""Records the acknowledged writes, so that a soak can read each of them at the end.

Each line is JSON: the path, the version, and a digest of the body, but no patient data.
"""

import hashlib
import json
from pathlib import Path
from typing import Any, TextIO

GONE = "gone"


class Journal:
    """Writes a journal to a file; without a file, does nothing."""

    def __init__(self, file: Path | None) -> None:
        self._file: TextIO | None = file.open("w", buffering=1) if file else None

    def acknowledged(self, path: str, etag: str, body: Any) -> None:
        """Records an acknowledged create or update."""
        self._note(path, "acknowledged", etag=etag, digest=digest(body))

    def deleted(self, path: str) -> None:
        """Records an acknowledged delete."""
        self._note(path, GONE)

    def uncertain(self, path: str) -> None:
        """Records a change whose response does not tell whether it happened."""
        self._note(path, "uncertain")

    def _note(self, path: str, what: str, **details: str) -> None:
        if self._file:
            self._file.write(json.dumps({"path": path, "what": what, **details}) + "\n")


def digest(body: Any) -> str:
    """A fingerprint of a record that does not depend on the order of fields."""
    canonical = json.dumps(body, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()

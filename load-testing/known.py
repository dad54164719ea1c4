"""A user's knowledge of a record: its last acknowledged state."""

from dataclasses import dataclass, field
from typing import Any

import responses
from api import Api, Response


@dataclass(eq=False)
class Known:
    """A patient or a test."""

    path: str
    etag: str
    body: dict[str, Any]
    tests: list["Known"] = field(default_factory=list)
    deleted_tests: set[str] = field(default_factory=set)

    @property
    def id(self) -> str:
        """The record's id."""
        return self.body["id"]

    def is_unchanged(self, response: Response) -> list[str]:
        """Checks a response that must be this record."""
        wrong = responses.differences(self.body, response.body)
        if not wrong and response.body != self.body:
            wrong.append("id or lastUpdated is not as acknowledged")
        if response.etag != self.etag:
            wrong.append("ETag is not as acknowledged")
        return wrong

    def is_there(self, response: Response) -> list[str]:
        """Checks a response to HEAD for this record."""
        wrong = [] if response.body is None else ["there is a body"]
        return wrong if response.etag == self.etag else [*wrong, "ETag is not as acknowledged"]

    def update(self, api: Api, operation: str, body: dict[str, Any]) -> None:
        """Replaces this version and expects the next one."""
        version = f'"{int(self.etag.strip(chr(34))) + 1}"'

        def check(response: Response) -> list[str]:
            wrong = responses.differences(body, response.body)
            return wrong if response.etag == version else [*wrong, "ETag is not the next version"]

        headers = {"If-Match": self.etag}
        response = api.send(operation, self.path, 200, body=body, headers=headers, check=check)
        self.etag, self.body = response.etag, response.body
        api.journal.acknowledged(self.path, self.etag, self.body)

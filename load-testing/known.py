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

    @property
    def version(self) -> int:
        """The number in the ETag."""
        return int(self.etag.strip('"'))

    def delete(self, api: Api, operation: str) -> None:
        """Deletes this version, which makes the next one."""
        api.send(operation, self.path, 204, headers={"If-Match": self.etag})
        self.etag = f'"{self.version + 1}"'
        api.journal.deleted(self.path)

    def restore(self, api: Api, operation: str, old: "Known") -> None:
        """Restores the content of an earlier version, which makes the next version."""
        version = f'"{self.version + 1}"'

        def check(response: Response) -> list[str]:
            wrong = responses.differences(old.body, response.body)
            return wrong if response.etag == version else [*wrong, "ETag is not the next version"]

        body = {"version": old.version}
        headers = {"If-Match": self.etag}
        path = f"{self.path}/restore"
        response = api.send(operation, path, 200, body=body, headers=headers, check=check)
        self.etag, self.body = response.etag, response.body
        api.journal.acknowledged(self.path, self.etag, self.body)

    def check_history(self, api: Api, operation: str) -> None:
        """The history must have every version, newest first."""
        expected = list(range(self.version, 0, -1))

        def check(response: Response) -> list[str]:
            versions = [entry["version"] for entry in response.body]
            return [] if versions == expected else [f"versions {versions} and not {expected}"]

        api.send(operation, f"{self.path}/history?limit=1000", 200, check=check)

    def check_version(self, api: Api, operation: str) -> None:
        """The history must have this version as it was acknowledged."""
        api.send(operation, f"{self.path}/history/{self.version}", 200, check=self.is_unchanged)

    def update(self, api: Api, operation: str, body: dict[str, Any]) -> None:
        """Replaces this version and expects the next one."""
        version = f'"{self.version + 1}"'

        def check(response: Response) -> list[str]:
            wrong = responses.differences(body, response.body)
            return wrong if response.etag == version else [*wrong, "ETag is not the next version"]

        headers = {"If-Match": self.etag}
        response = api.send(operation, self.path, 200, body=body, headers=headers, check=check)
        self.etag, self.body = response.etag, response.body
        api.journal.acknowledged(self.path, self.etag, self.body)

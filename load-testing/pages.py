"""Paged lists: read to the end and checked as a whole."""

from collections.abc import Callable
from typing import Any

import responses
from api import Api, Response

PAGES_MAX = 200
"""The largest number of pages, so that an endless list fails."""


class Pages:
    """All pages of a list."""

    def __init__(self, operation: str, path: str, limit: int, body: Any = None) -> None:
        self._operation = operation
        self._path = path
        self._limit = limit
        self._body = body

    def read(self, api: Api, check_all: Callable[[list[str]], list[str]]) -> None:
        """Reads every page; checks the ids of all pages after the last one."""
        ids: list[str] = []
        pages = 0
        query: str | None = f"limit={self._limit}"

        def check(response: Response) -> list[str]:
            if not isinstance(response.body, list):
                return ["the page is not a list"]
            if len(response.body) > self._limit:
                return ["the page is longer than its limit"]
            ids.extend(record["id"] for record in response.body)
            if responses.next_page(response.headers.get("Link")) is None:
                return check_all(ids)
            return ["the list does not end"] if pages == PAGES_MAX else []

        while query is not None:
            pages += 1
            response = api.send(self._operation, f"{self._path}?{query}", 200, body=self._body, check=check)
            query = responses.next_page(response.headers.get("Link"))

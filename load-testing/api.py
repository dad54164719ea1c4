"""Sends the requests of one user, and reports each under its route template as passed or failed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from locust.contrib.fasthttp import FastHttpSession
from locust.exception import RescheduleTask

from journal import Journal

wrong_responses: list[str] = []
"""Responses with the expected status and wrong content in the whole run; there must be none."""


@dataclass(frozen=True)
class Response:
    """A response with the expected status."""

    headers: Mapping[str, str]
    body: Any

    @property
    def etag(self) -> str:
        """The entity tag, in quotes."""
        return self.headers.get("ETag", "")


Check = Callable[[Response], list[str]]


class Api:
    """A client of the Patient API with one subscription."""

    def __init__(self, http: FastHttpSession, subscription_key: str, journal: Journal) -> None:
        self._http = http
        self._key = {"Ocp-Apim-Subscription-Key": subscription_key}
        self.journal = journal

    def send(
        self,
        operation: str,
        path: str,
        status: int | frozenset[int],
        *,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        check: Check = lambda _: [],
    ) -> Response:
        """Sends a request and requires a status, or one of several; another status ends the task."""
        expected = status if isinstance(status, frozenset) else frozenset({status})
        method = operation.split(" ", 1)[0]
        with self._http.request(
            method,
            path,
            name=operation,
            json=body,
            headers={**self._key, **(headers or {})},
            catch_response=True,
        ) as received:
            received_status = received.status_code
            if received_status in expected:
                response = Response(received.headers or {}, parsed(received))
                wrong = check(response)
                if wrong:
                    wrong_responses.extend(f"{operation}: {what}" for what in wrong)
                    received.failure(f"wrong response: {'; '.join(wrong)}")
                else:
                    received.success()
                    return response
            else:
                wanted = " or ".join(map(str, sorted(expected)))
                received.failure(f"status {received_status or 'none'}, not {wanted}")
        if (method in ("PUT", "DELETE") or path.endswith("/restore")) and (
            received_status == 0 or received_status >= 500 or received_status == 429
        ):
            self.journal.uncertain(path.removesuffix("/restore"))
        raise RescheduleTask


def parsed(response: Any) -> Any:
    """The JSON of a body; None if the body is empty or not JSON."""
    try:
        return response.json() if response.content else None
    except ValueError:
        return None

"""Sends the requests of one user, and reports each under its route template as passed or failed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from locust.contrib.fasthttp import FastHttpSession
from locust.exception import RescheduleTask

from journal import Journal

wrong_answers: list[str] = []
"""Responses with the expected status and wrong content in the whole run; there must be none."""


@dataclass(frozen=True)
class Answer:
    """A response with the expected status."""

    headers: Mapping[str, str]
    body: Any

    @property
    def etag(self) -> str:
        """The entity tag, in quotes."""
        return self.headers.get("ETag", "")


Check = Callable[[Answer], list[str]]


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
        status: int,
        *,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        check: Check = lambda _: [],
    ) -> Answer:
        """Sends a request and requires a status; another status ends the task."""
        method = operation.split(" ", 1)[0]
        with self._http.request(
            method,
            path,
            name=operation,
            json=body,
            headers={**self._key, **(headers or {})},
            catch_response=True,
        ) as response:
            answered = response.status_code
            if answered == status:
                answer = Answer(response.headers or {}, parsed(response))
                wrong = check(answer)
                if wrong:
                    wrong_answers.extend(f"{operation}: {what}" for what in wrong)
                    response.failure(f"wrong answer: {'; '.join(wrong)}")
                else:
                    response.success()
                    return answer
            else:
                response.failure(f"answered {answered or 'nothing'}, not {status}")
        if method in ("PUT", "DELETE") and (answered == 0 or answered >= 500 or answered == 429):
            self.journal.uncertain(path)
        raise RescheduleTask


def parsed(response: Any) -> Any:
    """The JSON of a body; None if the body is empty or not JSON."""
    try:
        return response.json() if response.content else None
    except ValueError:
        return None

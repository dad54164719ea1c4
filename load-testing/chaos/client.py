"""Sends the requests of one caller, each in a trace of its own, and keeps the ledger."""

import http.client
import json
from dataclasses import dataclass
from random import Random
from typing import Any
from urllib.parse import urlsplit

from chaos.ledger import Ledger, Request, Response
from stack import System

RESPONSE_SECONDS_MAX = 60
"""Three times the apps' deadline."""

OK = 200


@dataclass(frozen=True)
class Received:
    """What came back: nothing, or a response with its body and the next page of a list."""

    response: Response | None = None
    body: Any = None
    link: str | None = None

    @property
    def failed(self) -> bool:
        """Whether it may be worth to try again."""
        return self.response is None or self.response.status >= http.HTTPStatus.INTERNAL_SERVER_ERROR

    @property
    def acknowledges(self) -> bool:
        """Whether it reports success."""
        return self.response is not None and self.response.acknowledges

    @property
    def version(self) -> int | None:
        """The version in the ETag."""
        return self.response.version if self.response else None


class Client:
    """One connection to the gateway."""

    def __init__(self, system: System, ledger: Ledger, caller: int, random: Random) -> None:
        self._address = urlsplit(system.url).netloc
        self._key = system.subscription_key
        self._ledger = ledger
        self._caller = caller
        self._random = random
        self._connection: http.client.HTTPConnection | None = None

    def send(self, request: Request, seconds_max: float = RESPONSE_SECONDS_MAX) -> Received:
        """Sends a request and waits for its response."""
        trace = f"{self._random.getrandbits(128) or 1:032x}"
        self._ledger.sends(trace, self._caller, request)
        try:
            status, headers, body = self._exchange(request, trace, seconds_max)
        except (OSError, http.client.HTTPException, ValueError):
            self.close()
            return Received()
        etag = headers.get("ETag", "").strip('"')
        response = Response(
            status,
            int(etag) if etag.isdigit() else None,
            disclosed(request, status, body),
            body if request.writes and status < http.HTTPStatus.BAD_REQUEST else None,
            headers.get("Idempotency-Replayed") == "true",
        )
        self._ledger.receives(trace, response)
        return Received(response, body, headers.get("Link"))

    def close(self) -> None:
        """Closes the connection; the next request opens another one."""
        if self._connection:
            self._connection.close()
            self._connection = None

    def _exchange(
        self, request: Request, trace: str, seconds_max: float
    ) -> tuple[int, http.client.HTTPMessage, Any]:
        connection = self._connection or http.client.HTTPConnection(self._address)
        self._connection = connection
        connection.timeout = seconds_max
        if connection.sock:
            connection.sock.settimeout(seconds_max)
        span = f"{self._random.getrandbits(64) or 1:016x}"
        headers = {
            "Ocp-Apim-Subscription-Key": self._key,
            "traceparent": f"00-{trace}-{span}-01",
            **request.headers,
        }
        body = None if request.body is None else json.dumps(request.body)
        connection.request(request.method, request.path, body, headers)
        response = connection.getresponse()
        text = response.read()
        return response.status, response.headers, json.loads(text) if text else None


def disclosed(request: Request, status: int, body: Any) -> list[str] | None:
    """The ids that a response to a read hands out."""
    if request.writes or status != OK:
        return []
    if request.id:
        return [request.id]
    return [record["id"] for record in body] if isinstance(body, list) else None

"""Single requests to a system, as a monitor sends them."""

import http.client
from dataclasses import dataclass
from urllib.parse import urlsplit

from stack import System

RESPONSE_SECONDS_MAX = 10
OK = 200


@dataclass(frozen=True)
class Received:
    """A response."""

    status: int
    body: bytes
    link: str | None
    """The header with the next page."""


def get(system: System, path: str) -> Received:
    """The response to a GET."""
    connection = http.client.HTTPConnection(urlsplit(system.url).netloc, timeout=RESPONSE_SECONDS_MAX)
    try:
        connection.request("GET", path, headers={"Ocp-Apim-Subscription-Key": system.subscription_key})
        response = connection.getresponse()
        return Received(response.status, response.read(), response.headers.get("Link"))
    finally:
        connection.close()


def is_healthy(system: System) -> bool:
    """Whether GET /health returns 200; it responds within two seconds during any fault."""
    try:
        return get(system, "/health").status == OK
    except (OSError, http.client.HTTPException):
        return False

"""Single requests to a system, as a monitor sends them."""

import http.client
from urllib.parse import urlsplit

from stack import System

RESPONSE_SECONDS_MAX = 10
OK = 200


def get(system: System, path: str) -> tuple[int, bytes]:
    """The status and the body of a GET."""
    connection = http.client.HTTPConnection(urlsplit(system.url).netloc, timeout=RESPONSE_SECONDS_MAX)
    try:
        connection.request("GET", path, headers={"Ocp-Apim-Subscription-Key": system.subscription_key})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def is_healthy(system: System) -> bool:
    """Whether GET /health returns 200; it responds within two seconds during any fault."""
    try:
        return get(system, "/health")[0] == OK
    except (OSError, http.client.HTTPException):
        return False

"""Checks the health of a system, as a monitor does."""

import http.client
from urllib.parse import urlsplit

from stack import System

RESPONSE_SECONDS_MAX = 10
OK = 200


def is_healthy(system: System) -> bool:
    """Whether GET /health returns 200; it responds within two seconds during any fault."""
    connection = http.client.HTTPConnection(urlsplit(system.url).netloc, timeout=RESPONSE_SECONDS_MAX)
    try:
        connection.request("GET", "/health", headers={"Ocp-Apim-Subscription-Key": system.subscription_key})
        return connection.getresponse().status == OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()

"""The system under load: at a URL, the running local stack, or a new stack."""

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FUNCTIONS = ROOT / "target/functions"
LOCAL_STACK = ROOT / "target/debug/local-stack"
OUTPUT = ROOT / "target/load-test"
START_LIMIT_SECONDS = 120
STOP_LIMIT_SECONDS = 60
CONTROL_LIMIT_SECONDS = 120
"""Long enough for mongod to recover after it was killed."""

POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Store:
    """The database of a local stack: the administrator's connection string, and the apps' databases."""

    connection_string: str
    patient_tests: str
    audit: str


@dataclass(frozen=True)
class System:
    """A system: URL, subscription key, and for a local stack its process, its folder and its database."""

    url: str
    subscription_key: str
    process_id: int | None = None
    state: Path | None = None
    store: Store | None = None


class StackError(Exception):
    """There is no system to test; the message tells the developer why."""


def given() -> System | None:
    """The system from the environment, if set."""
    url = os.environ.get("LOAD_TEST_URL")
    if not url:
        return None
    key = os.environ.get("SUBSCRIPTION_KEY")
    if not key:
        raise StackError("SUBSCRIPTION_KEY is missing: the key for the system at LOAD_TEST_URL")
    return System(url.rstrip("/"), key)


def running() -> System | None:
    """The stack that scripts/server runs on this machine."""
    return ready(ROOT / "target/server")


def ready(state: Path) -> System | None:
    """The stack with this state folder, if it responds."""
    try:
        found = json.loads((state / "ready.json").read_text())
        # A killed stack leaves its file behind.
        os.kill(found["processId"], 0)
    except (FileNotFoundError, ProcessLookupError):
        return None
    database = found["database"]
    store = Store(database["connectionString"], database["patientTests"], database["audit"])
    return System(found["gateway"], found["subscriptionKey"], found["processId"], state, store)


def package(*, debug: bool) -> None:
    """Builds the local stack, and builds and packages both apps."""
    subprocess.run([ROOT / "scripts/setup"], check=True)
    profile = "--debug" if debug else "--release"
    subprocess.run([ROOT / "scripts/package", profile], check=True)


@contextmanager
def own(*, faults: bool = False, functions: Path = FUNCTIONS, output: Path = OUTPUT) -> Iterator[System]:
    """Starts a stack with an empty database; at the end, stops it and deletes its data."""
    output.mkdir(parents=True, exist_ok=True)
    state = Path(tempfile.mkdtemp(prefix="load-test-"))
    log = output / "stack.log"
    ports = [part for name in ("gateway", "patient", "audit") for part in (f"--{name}-port", "0")]
    options = [*ports, "--faults"] if faults else ports
    with log.open("w") as output:
        process = subprocess.Popen(
            [LOCAL_STACK, "server", "--state", state, "--functions", functions, *options],
            cwd=ROOT,
            env={name: value for name, value in os.environ.items() if name != "MONGO_CONNECTION_STRING"},
            stdout=output,
            stderr=output,
        )
        try:
            yield started(process, state, log)
            process.terminate()
            process.wait(STOP_LIMIT_SECONDS)
        finally:
            process.kill()
            process.wait()
            shutil.rmtree(state, ignore_errors=True)


def started(process: subprocess.Popen[bytes], state: Path, log: Path) -> System:
    """Waits until the stack responds."""
    limit = time.monotonic() + START_LIMIT_SECONDS
    while process.poll() is None and time.monotonic() < limit:
        if system := ready(state):
            return system
        time.sleep(POLL_SECONDS)
    raise StackError(f"the stack does not start: see {log}")


def control(system: System, request: str) -> None:
    """Sends a request over the control socket and waits until it is done."""
    if not system.state:
        raise StackError("only the local stack can be controlled")
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(CONTROL_LIMIT_SECONDS)
        connection.connect(os.fspath(system.state / "control.sock"))
        connection.sendall(f"{request}\n".encode())
        with connection.makefile() as lines:
            response = lines.read().strip().splitlines()
    if response[-1:] != ["done"]:
        raise StackError(f"{request}: {response[-1] if response else 'the stack has ended'}")

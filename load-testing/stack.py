"""A system to put load on: the one at a URL, the local stack that runs, or one of our own."""

import json
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FUNCTIONS = ROOT / "target/functions"
EMULATOR = ROOT / "target/debug/emulator"
OUTPUT = ROOT / "target/load-test"
STOP_LIMIT_SECONDS = 60
USUAL_PORT = 8080


@dataclass(frozen=True)
class System:
    """Where it is, what to show there, and the stack's process if it is ours."""

    url: str
    subscription_key: str
    process_id: int | None = None


class StackError(Exception):
    """Says, for the developer, why there is nothing to put load on."""


def given() -> System | None:
    """The system that the environment names, if it names one."""
    url = os.environ.get("LOAD_TEST_URL")
    if not url:
        return None
    key = os.environ.get("SUBSCRIPTION_KEY")
    if not key:
        raise StackError("SUBSCRIPTION_KEY is missing: the key for the system at LOAD_TEST_URL")
    return System(url.rstrip("/"), key)


def running() -> System | None:
    """The stack that scripts/server runs here, on its usual port."""
    state = ROOT / "target/server"
    # The socket is left behind by a stack that was killed.
    if not (state / "control.sock").exists() or not listens(USUAL_PORT):
        return None
    key = json.loads((state / "keys.json").read_text())["subscription"]
    return System(f"http://127.0.0.1:{USUAL_PORT}", key)


def listens(port: int) -> bool:
    """Whether anybody takes connections there."""
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", port)) == 0


def package(*, debug: bool) -> None:
    """Builds and packages both apps, and the emulator that runs them."""
    subprocess.run([ROOT / "scripts/setup"], check=True)
    profile = "--debug" if debug else "--release"
    subprocess.run([ROOT / "scripts/package", profile], check=True)


@contextmanager
def own(environment: dict[str, str] | None = None) -> Iterator[System]:
    """Starts a stack with an empty database, and ends it with all of its data."""
    OUTPUT.mkdir(parents=True, exist_ok=True)
    state = Path(tempfile.mkdtemp(prefix="load-test-"))
    log = OUTPUT / "stack.log"
    ports = [part for name in ("gateway", "patient", "audit") for part in (f"--{name}-port", "0")]
    with log.open("w") as output:
        process = subprocess.Popen(
            [EMULATOR, "server", "--state", state, *ports],
            cwd=ROOT,
            env={**os.environ, **(environment or {})},
            stdout=subprocess.PIPE,
            stderr=output,
            text=True,
            bufsize=1,
        )
        try:
            url, key = introduction(process)
            # Nobody reads on from here: what the stack prints goes to its log.
            copying = subprocess.Popen(["cat"], stdin=process.stdout, stdout=output)
            yield System(url, key, process.pid)
            process.terminate()
            process.wait(STOP_LIMIT_SECONDS)
            copying.wait(STOP_LIMIT_SECONDS)
        finally:
            process.kill()
            process.wait()
            shutil.rmtree(state, ignore_errors=True)


def introduction(process: subprocess.Popen[str]) -> tuple[str, str]:
    """Waits for what the stack prints once everything works: its URL and its key."""
    words: dict[str, str] = {}
    for line in process.stdout or []:
        parts = line.split()
        if len(parts) >= 2:
            words[parts[0]] = parts[-1]
        if line.startswith("Ctrl-C stops everything"):
            return words["gateway"], words["subscription"]
    raise StackError(f"the stack does not start: see {OUTPUT / 'stack.log'}")

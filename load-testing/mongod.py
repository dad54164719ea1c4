"""A MongoDB of our own that can be throttled and killed."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pymongo
from pymongo.errors import PyMongoError

from stack import OUTPUT, ROOT, StackError

START_LIMIT_SECONDS = 60
PING_LIMIT_MS = 500
PING_INTERVAL_SECONDS = 0.05
REQUEST_RATE_TOO_LARGE = 16500
"""What Cosmos DB answers when it throttles."""

THROTTLED = ["find", "insert", "update", "findAndModify", "delete", "aggregate"]


class Mongod:
    """A server on a port that stays the same when it is started again."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._port = free_port()
        self._process = self._spawn()
        self._wait_until_it_answers()

    @property
    def connection_string(self) -> str:
        """How the apps reach it. Cosmos DB confirms what is durable, and with the journal so does this."""
        return f"mongodb://127.0.0.1:{self._port}/?directConnection=true&journal=true"

    @property
    def process_id(self) -> int:
        """The process, another one after each restart."""
        return self._process.pid

    def throttle(self) -> None:
        """Answers every operation as Cosmos DB does when there are too many."""
        data = {"failCommands": THROTTLED, "errorCode": REQUEST_RATE_TOO_LARGE}
        self._admin("configureFailPoint", "failCommand", mode="alwaysOn", data=data)

    def stop_throttling(self) -> None:
        """Answers operations again."""
        self._admin("configureFailPoint", "failCommand", mode="off")

    def kill(self) -> None:
        """Ends it as a crash would."""
        self._process.kill()
        self._process.wait()

    def start_again(self) -> None:
        """Starts it with the data that it had, and waits until it answers."""
        self._process = self._spawn()
        self._wait_until_it_answers()

    def _spawn(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [
                executable(), "--dbpath", self._data, "--port", str(self._port), "--bind_ip", "127.0.0.1",
                "--setParameter", "enableTestCommands=1",
                "--logpath", OUTPUT / "mongod.log", "--logappend",
            ],
            stdout=subprocess.DEVNULL,
        )  # fmt: skip

    def _wait_until_it_answers(self) -> None:
        limit = time.monotonic() + START_LIMIT_SECONDS
        while True:
            try:
                self._admin("ping")
            except PyMongoError:
                if self._process.poll() is not None or time.monotonic() > limit:
                    raise StackError(f"mongod does not start: see {OUTPUT / 'mongod.log'}") from None
                time.sleep(PING_INTERVAL_SECONDS)
            else:
                return

    def _admin(self, command: str, value: object = 1, **arguments: object) -> None:
        with pymongo.MongoClient(self.connection_string, serverSelectionTimeoutMS=PING_LIMIT_MS) as client:
            client.admin.command(command, value, **arguments)


@contextmanager
def own() -> Iterator[Mongod]:
    """Starts a server with an empty folder, which goes with it."""
    data = Path(tempfile.mkdtemp(prefix="load-test-mongod-"))
    mongod = None
    try:
        mongod = Mongod(data)
        yield mongod
    finally:
        if mongod:
            mongod.kill()
        shutil.rmtree(data, ignore_errors=True)


def executable() -> str:
    """The one on PATH, else the one that scripts/setup fetches."""
    fetched = ROOT / "target/tools/mongodb/bin"
    found = shutil.which("mongod") or shutil.which("mongod", path=os.fspath(fetched))
    if not found:
        raise StackError("there is no mongod; scripts/setup fetches one")
    return found


def free_port() -> int:
    """Any port that is free at this moment."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])

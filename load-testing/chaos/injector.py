"""Begins and ends the planned faults while the callers work."""

import json
import threading
import time
from pathlib import Path

import stack
from chaos.fault_plan import PlannedFault, plan
from stack import StackError, System

POLL_SECONDS = 0.05


class Injector:
    """A thread that follows the plan; leaving the context ends every fault."""

    def __init__(self, system: System, seed: str, log: Path) -> None:
        self._system = system
        self._plan = plan(seed)
        self._log = log.open("w", buffering=1)
        self._active: list[PlannedFault] = []
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self.count = 0
        self.problem: StackError | None = None

    @property
    def active(self) -> list[str]:
        """The names of the faults under way."""
        return [fault.name for fault in self._active]

    def __enter__(self) -> "Injector":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()
        for fault in list(self._active):
            self._change("end", fault)
        self._log.close()

    def _follow(self) -> None:
        began = time.monotonic()
        following = next(self._plan)
        try:
            while not self._stopped.wait(POLL_SECONDS):
                now = time.monotonic() - began
                for fault in [fault for fault in self._active if fault.end <= now]:
                    self._change("end", fault)
                if following.begin <= now:
                    self._change("begin", following)
                    following = next(self._plan)
        except StackError as problem:
            self.problem = problem

    def _change(self, what: str, fault: PlannedFault) -> None:
        if what == "begin":
            self._active.append(fault)
            self.count += 1
        else:
            self._active.remove(fault)
        try:
            stack.control(self._system, f"fault {what} {fault.name}")
        except StackError as problem:
            self._note(f"{what} failed: {problem}", fault)
            # A handler that was killed a moment ago cannot be stopped: there is no such fault then.
            if "handler does not run" not in str(problem):
                raise
        self._note(what, fault)

    def _note(self, what: str, fault: PlannedFault) -> None:
        self._log.write(json.dumps({"at": time.time(), "what": what, "fault": fault.name}) + "\n")

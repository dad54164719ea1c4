"""Memory and file descriptors of every process of a stack, over time."""

import statistics
import threading
from collections import defaultdict
from typing import Any

import psutil

from criteria import Verdict, at_most

SAMPLE_INTERVAL_SECONDS = 2.0
MIB = 1024 * 1024
APPS = ("patient-tests-api", "audit-api")
LOCAL_STACK = "local-stack"
MONGOD = "mongod"


class Processes:
    """Samples processes by role, across restarts."""

    def __init__(self, stack: int) -> None:
        self._stack = psutil.Process(stack)
        self._memory: dict[str, list[float]] = defaultdict(list)
        self._descriptors: dict[str, list[float]] = defaultdict(list)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def find(self, name: str) -> psutil.Process:
        """The current process of an app or of mongod."""
        children = self._stack.children(recursive=True)
        return next(child for child in children if child.name().startswith(name[:15]))

    def __enter__(self) -> "Processes":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()

    def verdicts(self, limits: dict[str, Any]) -> list[Verdict]:
        """Compares the last quarter with the second one; the first is for warming up.

        The memory of mongod is its cache of what is stored, and grows as that does; that of the
        local stack holds what the page of its telemetry shows. Both are only told.
        """
        verdicts = []
        for name, memory in sorted(self._memory.items()):
            before, after = second_and_last_quarter(memory)
            told = f"{before / MIB:.1f} → {after / MIB:.1f} MiB"
            growth, limit = 100 * (after / before - 1), limits["memoryGrowthPercentMax"]
            limited = name in APPS
            verdicts.append(
                Verdict(
                    f"memory of {name}",
                    told,
                    f"≤ +{limit}%" if limited else "none",
                    not limited or growth <= limit,
                )
            )
            before, after = second_and_last_quarter(self._descriptors[name])
            limit = limits["fileDescriptorGrowthMax"]
            verdicts.append(at_most(f"more file descriptors of {name}", after - before, limit, ""))
        return verdicts

    def _follow(self) -> None:
        while not self._stopped.wait(SAMPLE_INTERVAL_SECONDS):
            for name in (*APPS, LOCAL_STACK, MONGOD):
                try:
                    process = self._process(name)
                    memory, descriptors = process.memory_info().rss, process.num_fds()
                except (psutil.Error, StopIteration):
                    continue  # It is restarting.
                self._memory[name].append(memory)
                self._descriptors[name].append(descriptors)

    def _process(self, name: str) -> psutil.Process:
        return self._stack if name == LOCAL_STACK else self.find(name)


def second_and_last_quarter(samples: list[float]) -> tuple[float, float]:
    """The medians of two quarters of a series."""
    quarter = max(1, len(samples) // 4)
    return statistics.median(samples[quarter : 2 * quarter] or samples), statistics.median(samples[-quarter:])

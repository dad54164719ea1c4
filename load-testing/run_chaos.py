"""The command line of scripts/chaos."""

import argparse
import sys
from pathlib import Path

import stack
from chaos.run import run
from soak import seconds
from stack import FUNCTIONS, StackError

DESCRIPTION = """Puts mixed load on a local stack of its own while its parts are killed, stopped and
throttled and replies are lost; then checks every request against the database and the audit register.
See docs/load-testing.md."""

CALLERS = 32
REQUESTS = 50_000
SHORT_SECONDS = 120


def main() -> int:
    """Runs chaos with these arguments; returns 0 if every check has passed."""
    options = parse(sys.argv[1:])
    try:
        if options.packaged is None:
            stack.package(debug=options.debug)
            options.packaged = FUNCTIONS
        return run(options)
    except StackError as problem:
        print(f"chaos: {problem}", file=sys.stderr)
        return 2


def parse(arguments: list[str]) -> argparse.Namespace:
    """Parses the options; without an end, a run has 50,000 requests."""
    parser = argparse.ArgumentParser(prog="scripts/chaos", description=DESCRIPTION)
    parser.add_argument("--callers", type=int, default=CALLERS, help=f"how many; by default {CALLERS}")
    parser.add_argument("--seed", default="1", help="the seed of the requests and of the faults")
    end = parser.add_mutually_exclusive_group()
    end.add_argument("--requests", type=int, help=f"at least so many; by default {REQUESTS}")
    end.add_argument("--duration", type=seconds, help="such as 90s or 10m, instead of a number of requests")
    end.add_argument("--short", action="store_true", help=f"{SHORT_SECONDS} seconds of load")
    package = parser.add_mutually_exclusive_group()
    package.add_argument(
        "--packaged", type=Path, nargs="?", const=FUNCTIONS, metavar="FOLDER",
        help="use the packages in this folder, by default target/functions, without building them",
    )  # fmt: skip
    package.add_argument("--debug", action="store_true", help="build the packages without optimisation")
    parser.add_argument(
        "--no-reconciliation", dest="reconciliation", action="store_false",
        help="do not wait for the reconciliation, and do not check the ends of intents",
    )  # fmt: skip
    options = parser.parse_args(arguments)
    if options.short:
        options.duration = SHORT_SECONDS
    if options.duration is None and options.requests is None:
        options.requests = REQUESTS
    return options


if __name__ == "__main__":
    sys.exit(main())

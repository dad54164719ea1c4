"""The command line of scripts/load-test."""

import argparse
import os
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import criteria
import stack
from stack import OUTPUT, StackError, System

DESCRIPTION = """Puts load on the system at LOAD_TEST_URL (with SUBSCRIPTION_KEY), else on the stack that
scripts/server runs here, else on a stack of its own. See docs/load-testing.md."""


def main() -> int:
    """Runs the load test with these arguments; returns 0 if every criterion passed."""
    options = parse(sys.argv[1:])
    OUTPUT.mkdir(parents=True, exist_ok=True)
    try:
        if options.soak:
            return soak(options)
        found = stack.given() or stack.running()
        if found is None and not options.packaged:
            stack.package(debug=options.smoke)
        with nullcontext(found) if found else stack.own() as system:
            profile = "smoke" if options.smoke else criteria.FULL
            return locust(options, system, {"LOAD_TEST_PROFILE": profile}).wait()
    except StackError as problem:
        print(f"load-test: {problem}", file=sys.stderr)
        return 2


def parse(arguments: list[str]) -> argparse.Namespace:
    """Parses the options; smoke and soak have defaults of their own."""
    parser = argparse.ArgumentParser(prog="scripts/load-test", description=DESCRIPTION)
    parser.add_argument("--users", type=int, help="the number of concurrent users")
    parser.add_argument("--duration", help="such as 30s or 10m")
    parser.add_argument("--pause", help="the longest wait of a user between two scenarios, in seconds")
    parser.add_argument("--seed", default="1", help="the seed of the generated data")
    parser.add_argument(
        "--packaged", action="store_true", help="use target/functions without building it again"
    )
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--smoke", action="store_true", help="a check of 20 s that everything works")
    kind.add_argument("--soak", action="store_true", help="inject faults while 64 users work")
    options = parser.parse_args(arguments)
    users, duration, pause = (
        (64, "15m", "2") if options.soak else (4, "20s", "0.2") if options.smoke else (16, "2m", "0.2")
    )
    options.users = options.users or users
    options.duration = options.duration or duration
    options.pause = options.pause or pause
    return options


def locust(
    options: argparse.Namespace, system: System, environment: dict[str, str]
) -> subprocess.Popen[bytes]:
    """Starts Locust. Host and key are passed in the environment, which other users cannot read."""
    report = OUTPUT / "report.html"
    print(f"Putting load on {system.url}: {options.users} users for {options.duration} …", flush=True)
    print(f"The report will be {report.relative_to(stack.ROOT)}.", flush=True)
    return subprocess.Popen(
        [
            Path(sys.executable).with_name("locust"),
            "--locustfile", Path(__file__).with_name("locustfile.py"),
            "--headless", "--only-summary", "--users", str(options.users), "--spawn-rate", str(options.users),
            "--run-time", options.duration, "--stop-timeout", "30s",
            "--html", report, "--csv", OUTPUT / "figures",
        ],
        env={
            **os.environ,
            "LOCUST_HOST": system.url,
            "SUBSCRIPTION_KEY": system.subscription_key,
            "LOAD_TEST_SEED": options.seed,
            "LOAD_TEST_PAUSE": options.pause,
            **environment,
        },
    )  # fmt: skip


def soak(options: argparse.Namespace) -> int:
    """Runs a soak. Imported here, since other runs do not need its modules."""
    from soak import run

    return run(options, locust)


if __name__ == "__main__":
    sys.exit(main())

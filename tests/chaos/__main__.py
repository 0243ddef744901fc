"""`python -m tests.chaos`: thousands of events while everything dies in turn.

Exits with 1 when something acknowledged was lost or doubled, or does not drain.
"""

import argparse
import os
import secrets
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import django

from config.local.processes import CannotRun, say
from config.local.supervisor import Stopped
from tests.chaos.house import running_house


def main(words: Sequence[str]) -> int:
    """Run, print the report, and return the exit code."""
    given = _parser().parse_args(words)
    with (
        tempfile.TemporaryDirectory(prefix="chaos-", dir=given.folder) as folder,
        running_house(Path(folder)) as house,
    ):
        os.environ |= house.environment
        django.setup()
        from tests.chaos.run import Run  # noqa: PLC0415  # Django must be ready first

        run = Run(house, given)
        report, is_good = run.whole()
        if given.keep_logs:
            _keep(Path(folder), Path(given.keep_logs))
    say(report)
    if given.report:
        Path(given.report).write_text(report)
    return 0 if is_good else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    add = parser.add_argument
    add("--events", type=int, default=3000, help="of what is acknowledged")
    add("--calm", type=float, default=40, help="seconds before the first fault")
    add("--seconds", type=float, default=480, help="under fire")
    add("--clients", type=int, default=4, help="who use the house at once")
    add("--crew", type=int, default=12, help="technicians")
    add("--outage", type=float, default=6, help="seconds of 503 to everything")
    add("--patience", type=float, default=240, help="seconds to wait for the drain")
    add("--drained-within", type=float, default=30, help="seconds; 0: no matter")
    add("--short", action="store_true", help="with the few faults of the test")
    add("--seed", type=int, default=secrets.randbelow(10_000))
    add("--report", help="write it to this file")
    add("--folder", help="where servers keep their data meanwhile")
    add("--keep-logs", help="copy the programs' logs there")
    return parser


def _keep(folder: Path, to: Path) -> None:
    to.mkdir(parents=True, exist_ok=True)
    for log in folder.glob("*.log"):
        (to / log.name).write_bytes(log.read_bytes())


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except CannotRun as reason:
        sys.exit(f"The chaos cannot run: {reason}")
    except Stopped:
        sys.exit(130)

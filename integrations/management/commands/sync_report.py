"""Say how everything outside has been told, and what came in."""

import json
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from core.actors import SYSTEM
from integrations.selectors.standing import Standing, standings

_GOAL = 0.9995
_COLUMNS = (
    *("state", "success", "waiting", "lag", "p95", "parked", "refused", "dead"),
    *("inbox", "found", "conflicts"),
)


class Command(BaseCommand):
    """Report each connection and subscriber: success, lag, dead letters, conflicts.

    Exits with 1 when something needs a person: less than 99.95 % arrived within a
    day, a dead letter, an open conflict, or a connection that needs attention.
    """

    help = (
        "Report how each connection and subscriber stands. Exits with 1 when something "
        "needs a person: success below 99.95 %, dead letters, conflicts, attention."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--hours", type=float, default=24, help="of what began then"
        )
        parser.add_argument("--json", action="store_true", help="for machines")

    def handle(self, *args: Any, **options: Any) -> None:
        window = timedelta(hours=options["hours"])
        found = standings(actor=SYSTEM, now=timezone.now(), window=window)
        if options["json"]:
            self.stdout.write(json.dumps([_as_json(each) for each in found], indent=2))
        else:
            self._table(found)
        if any(needs_somebody(each) for each in found):
            sys.exit(1)

    def _table(self, found: list[Standing]) -> None:
        if not found:
            self.stdout.write("Nobody outside is told of anything yet.")
            return
        rows = [("", *_COLUMNS), *(_row(each) for each in found)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            first, *others = (
                cell.ljust(width) if place == 0 else cell.rjust(width)
                for place, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
            self.stdout.write("  ".join([first, *others]).rstrip())
        for each in found:
            for failure in each.failures:
                said = f"{failure.status} {failure.kind} of {failure.about}"
                self.stdout.write(f"{each.name}: {said}: {failure.error}")


def needs_somebody(standing: Standing) -> bool:
    """Tell whether a person has to look at it."""
    ratio = standing.outgoing.success_ratio
    return bool(
        standing.outgoing.dead_letters
        or standing.incoming.dead
        or standing.conflicts
        or standing.state == "needs_attention"
        or (ratio is not None and ratio < _GOAL)
    )


def _row(standing: Standing) -> tuple[str, ...]:
    out, come = standing.outgoing, standing.incoming
    ratio, p95 = out.success_ratio, out.p95_seconds
    return (
        standing.name,
        standing.state
        if standing.breaker == "closed"
        else f"breaker {standing.breaker}",
        "-" if ratio is None else f"{ratio:.2%}",
        str(out.waiting),
        f"{out.lag_seconds} s",
        "-" if p95 is None else f"{p95:.1f} s",
        str(out.parked),
        str(out.refused),
        str(out.dead),
        str(come.waiting),
        str(come.found),
        str(standing.conflicts),
    )


def _as_json(standing: Standing) -> dict[str, Any]:
    found = json.loads(json.dumps(asdict(standing), default=str))
    found["outgoing"]["success_ratio"] = standing.outgoing.success_ratio
    found["needs_somebody"] = needs_somebody(standing)
    return dict(found)

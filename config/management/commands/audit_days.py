"""Hold the account of the branches' days against the visits."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from appointments.services.branch_days import Mistake, correct, mistakes_in
from config.progress import Progress
from core.models import Location

_MOST_SHOWN = 20


class Command(BaseCommand):
    """Find, and with --repair mend, days whose figures are not those of their visits.

    Visits may be written meanwhile. Exits with 1 when something differed.
    """

    help = (
        "Compare the figures kept for each branch's days with the visits; exits with 1 "
        "when one differs. Visits may be written meanwhile."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--repair", action="store_true", help="set them right")

    def handle(self, *args: Any, **options: Any) -> None:
        found = self._look(repair=options["repair"])
        for each in found[:_MOST_SHOWN]:
            self.stdout.write(_line(each))
        if len(found) > _MOST_SHOWN:
            self.stdout.write(f"... and {len(found) - _MOST_SHOWN} more")
        if not found:
            self.stdout.write("Every branch's days are what the visits say.")
            return
        self.stdout.write(
            f"Repaired {len(found)} figures of days."
            if options["repair"]
            else f"{len(found)} figures of days differ; --repair sets them right."
        )
        sys.exit(1)

    def _look(self, *, repair: bool) -> list[Mistake]:
        look = correct if repair else mistakes_in
        branches = list(Location.objects.order_by("code").values_list("pk", flat=True))
        found: list[Mistake] = []
        step = Progress(self.stdout).step("Days of branches", total=len(branches))
        with step as bar:
            for location_id in branches:
                found += look(location_id=location_id)
                bar.advance()
        return found


def _line(mistake: Mistake) -> str:
    what = f" {mistake.status} {mistake.currency}" if mistake.status else ""
    lacks = ", ".join(
        f"{name} {-figure:+d}" for name, figure in mistake.missing.items()
    )
    return f"{mistake.location_id} {mistake.day}{what}: {lacks}"

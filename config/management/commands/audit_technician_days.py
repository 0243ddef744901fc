"""Compare the packed days of technicians with what they are packed from."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from appointments.selectors import days
from appointments.selectors.days import Difference
from appointments.services.days import repair_days
from config.progress import Progress

_MOST_SHOWN = 20


class Command(BaseCommand):
    """Find, and with --repair mend, technician days that are not what they should be.

    Bookings may go on meanwhile. Exits with 1 when something differed.
    """

    help = (
        "Compare every technician's packed day with his assignments; exits with 1 when "
        "one differs. Bookings may go on meanwhile."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--repair", action="store_true", help="pack those anew")

    def handle(self, *args: Any, **options: Any) -> None:
        found = self._look()
        for each in found[:_MOST_SHOWN]:
            fault = "is missing" if each.is_missing else "differs"
            self.stdout.write(f"{each.technician_id} {each.day} {fault}")
        if len(found) > _MOST_SHOWN:
            self.stdout.write(f"... and {len(found) - _MOST_SHOWN} more")
        if not found:
            self.stdout.write("Every technician's day is what the assignments say.")
            return
        if options["repair"]:
            self.stdout.write(f"Repaired {repair_days(found)} days.")
        else:
            self.stdout.write(f"{len(found)} days differ; --repair packs them anew.")
        sys.exit(1)

    def _look(self) -> list[Difference]:
        asked = days.days_in_use(days.oldest_kept(timezone.now()))
        found: list[Difference] = []
        with Progress(self.stdout).step("Technician days", total=len(asked)) as bar:
            for day in asked:
                found += days.differing_on(day)
                bar.advance()
        return found

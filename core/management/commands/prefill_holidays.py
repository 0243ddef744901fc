"""List the public holidays of the branches' states, so that nobody is booked then."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from core import services
from core.actors import SYSTEM
from core.models import Location
from core.roster import OnConflict, Stranded, rehearse


class Command(BaseCommand):
    """Add what lies ahead and is not listed yet; twice is once."""

    help = "List the public holidays of each branch's state that lie ahead."

    def add_arguments(self, parser: CommandParser) -> None:
        year = timezone.now().year
        parser.add_argument(
            "years",
            nargs="*",
            type=int,
            default=[year, year + 1],
            help="default: this year and the next",
        )
        parser.add_argument("--branch", metavar="CODE", help="default: every branch")
        parser.add_argument(
            "--unassign",
            action="store_true",
            help="take the technicians off visits that are booked on these days",
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="only tell of such visits"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        branches = Location.objects.filter(is_active=True)
        if options["branch"]:
            branches = branches.filter(code=options["branch"])
        ids = list(branches.values_list("pk", flat=True))
        if not ids:
            raise CommandError("There is no such branch.")
        if options["dry_run"]:
            self._tell(rehearse(lambda: _prefill(ids, options, OnConflict.REJECT)))
            return
        chosen = OnConflict.UNASSIGN if options["unassign"] else OnConflict.REJECT
        try:
            added = _prefill(ids, options, chosen)
        except Stranded as stranded:
            self._tell(stranded.extra)
            raise CommandError(
                "Nothing is stored: move these visits, or add --unassign."
            ) from stranded
        for day in added:
            self.stdout.write(f"{day.date} {day.name} ({day.location})")
        self.stdout.write(f"{len(added)} added.")

    def _tell(self, found: dict[str, Any]) -> None:
        for one in found["conflicts"]:
            self.stdout.write(f"{one['reference']} {one['starts_at']}")
        self.stdout.write(f"{found['total']} booked visits in the way.")


def _prefill(ids: list[Any], options: dict[str, Any], on_conflict: OnConflict) -> Any:
    return services.prefill_holidays(
        location_ids=ids,
        years=options["years"],
        actor=SYSTEM,
        now=timezone.now(),
        on_conflict=on_conflict,
    )

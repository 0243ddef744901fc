"""Fill the database with the demo company."""

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from config.demo.seeding import seed


class Command(BaseCommand):
    """Write Larkspur Home Comfort, once; running it again changes nothing."""

    help = "Fill the database with the demo company; a second run changes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--scale",
            choices=("small", "large"),
            default="small",
            help="large adds 500,000 customers and 2,000,000 visits: some minutes, in "
            "which nothing else can use the tables",
        )
        parser.add_argument("--seed", type=int, default=1, help="of all chance")
        parser.add_argument("--now", type=_moment, help="ISO 8601, with an offset")
        parser.add_argument("--allow-production", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.PRODUCTION and not options["allow_production"]:
            raise CommandError(
                "This is production: the demo brings users whose password is public. "
                "--allow-production does it all the same."
            )
        report = seed(
            scale=options["scale"],
            seed=options["seed"],
            now=options["now"] or timezone.now(),
            out=self.stdout,
        )
        self.stdout.write(report)


def _moment(text: str) -> datetime:
    moment = parse_datetime(text)
    if moment is None or moment.tzinfo is None:
        raise ValueError(text)
    return moment

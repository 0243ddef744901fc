"""Book the visits of maintenance plans that have come within the horizon."""

import sys
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand
from django.utils import timezone

from appointments.selectors import plans as selectors
from appointments.selectors.plans import Choice
from appointments.services import plans
from appointments.services.plans import Outcome
from config.progress import Progress

_WORDS = {
    Outcome.BOOKED: "booked",
    Outcome.CONFLICT: "in conflict",
    Outcome.WAITS: "waiting for better times",
    Outcome.OVER: "over and skipped",
    Outcome.ELSEWHERE: "left to another run",
}


class Command(BaseCommand):
    """Do at once what the beat does bit by bit; running it again changes nothing.

    Exits with 1 when a visit could not be booked.
    """

    help = (
        "Book the visits of maintenance plans that have come within the horizon; exits "
        "with 1 when one could not be booked. Any number may run at the same time."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--until",
            type=date.fromisoformat,
            metavar="DATE",
            help="leave periods alone that begin later",
        )
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="say what would be booked, each visit by itself, and book nothing",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        now, until = timezone.now(), options["until"]
        if options["dry_run"]:
            outcomes = self._rehearse(now, until)
        else:
            outcomes = plans.generate(now=now, until=until, through=self._watched)
        self.stdout.write(_report(outcomes))
        if outcomes[Outcome.CONFLICT]:
            sys.exit(1)

    def _watched(self, waiting: Sequence[UUID]) -> Iterator[UUID]:
        with Progress(self.stdout).step("Visits of plans", total=len(waiting)) as bar:
            for occurrence_id in waiting:
                yield occurrence_id
                bar.advance()

    def _rehearse(self, now: datetime, until: date | None) -> Counter[Outcome]:
        """Say what would become of each, were it alone."""
        outcomes: Counter[Outcome] = Counter()
        unopened = plans.unopened_periods(now=now, until=until)
        outcomes[Outcome.OPENED] = len(unopened)
        waiting: Iterable[Any] = selectors.waiting_occurrences(until=until)
        for occurrence in [*unopened, *waiting]:
            plan = occurrence.plan
            choice = selectors.choice_for(plan=plan, occurrence=occurrence, now=now)
            outcome = _outcome(choice)
            outcomes[outcome] += 1
            self.stdout.write(
                f"{plan.reference} {occurrence.period}: {_said(choice, plan)}"
            )
        return outcomes


def _outcome(choice: Choice) -> Outcome:
    if choice.offer is not None:
        return Outcome.BOOKED
    if not choice.reason:
        return Outcome.WAITS
    return Outcome.OVER if choice.reason == selectors.PERIOD_OVER else Outcome.CONFLICT


def _said(choice: Choice, plan: Any) -> str:
    if choice.offer is None:
        outcome = _outcome(choice)
        return f"{outcome}, {choice.reason}" if choice.reason else outcome
    start = choice.offer.starts_at.astimezone(plan.location.time_zone)
    return f"{start:%a}, {start:%b} {start.day}, {start.hour}:{start:%M %Z}"


def _report(outcomes: Counter[Outcome]) -> str:
    tried = [
        f"{outcomes[each]} {word}" for each, word in _WORDS.items() if outcomes[each]
    ]
    if not tried:
        return "Nothing waits."
    opened = outcomes[Outcome.OPENED]
    periods = f"{opened} period{'' if opened == 1 else 's'} opened"
    return f"{', '.join([periods, *tried])}."

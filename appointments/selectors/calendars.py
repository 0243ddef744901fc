"""Technicians' calendars, as they are read from the database."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from uuid import UUID

from appointments.rules import slots
from appointments.rules.slots import Span, Wish, Worker, to_minute, to_moment
from appointments.rules.slots.facts import MOST_PARTS
from appointments.selectors.roster import Person, Roster
from core.travel import MOST_MINUTES
from core.walltime import day_bounds


def reach_of(wish: Wish, days: Collection[date]) -> Span:
    """Return all that a visit begun on `days` can touch, the way to it included."""
    start, _ = day_bounds(min(days), zone=wish.branch.zone)
    _, end = day_bounds(max(days), zone=wish.branch.zone)
    terms = wish.terms
    longest = (terms.window or 0) + terms.duration + terms.after + MOST_MINUTES
    if terms.splits:
        longest += _SPLIT_DAYS * 24 * 60
    return Span(
        to_minute(start) - terms.before - MOST_MINUTES, to_minute(end) + longest
    )


# Parts follow each other on working days: two weeks of them, with weekends between.
_SPLIT_DAYS = MOST_PARTS + 7


def worker_of(
    *,
    person: Person,
    roster: Roster,
    span: Span,
    days: Sequence[bytes],
    now: datetime,
    own: Collection[UUID],
) -> Worker:
    """Return the technician with the calendar of the span, from its packed days."""
    packed = _Packed(roster.version, person.id, span, tuple(days), person, roster)
    worker = _remembered(packed)
    if worker.fingerprint is not None and not own:
        return worker
    # Another asker, or another moment, has another calendar: a copy has no fingerprint.
    return replace(worker, stops=slots.live(days, now=now, own=own))


@dataclass(frozen=True, slots=True)
class _Packed:
    """All that a calendar is made from: by these it is known again."""

    version: UUID | None
    person_id: UUID
    span: Span
    days: tuple[bytes, ...]
    person: Person = field(compare=False)
    roster: Roster = field(compare=False)


@lru_cache(maxsize=2_000)
def _remembered(packed: _Packed) -> Worker:
    """Return the technician with all stops of the packed days, holds included."""
    person, span = packed.person, packed.span
    # A night shift begins the day before, and zones lie up to a day apart.
    first = to_moment(span.start).date() - timedelta(days=2)
    last = to_moment(span.end).date() + timedelta(days=1)
    shifts = [
        shift
        for n in range((last - first).days + 1)
        for shift in packed.roster.shifts_on(person.id, first + timedelta(days=n))
        if shift.start < span.end and span.start < shift.end
    ]
    stops = slots.unpacked(packed.days)
    worker = Worker(
        id=person.id,
        is_active=person.is_active,
        skills=person.skills,
        zones=person.zones,
        home=person.home,
        shifts=sorted(shifts),
        time_off=[away for away in person.time_off if away.overlaps(span)],
        stops=stops,
    )
    return worker if slots.has_holds(stops) else worker.marked(packed)

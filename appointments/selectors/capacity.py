"""Load the facts on which the slot engine decides: a constant number of queries."""

from collections import defaultdict
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import wraps
from typing import ParamSpec, TypeVar, cast
from uuid import UUID

from django.db import connection
from psycopg.pq import Format

from appointments.rules import slots
from appointments.rules.slots import (
    Placement,
    Promise,
    Reason,
    Span,
    Wish,
    Worker,
    to_minute,
    to_moment,
)
from appointments.rules.slots.facts import MOST_PARTS
from appointments.rules.slots.starts import fitness_refusal
from appointments.selectors.caps import with_taken
from appointments.selectors.roster import Person, Roster, current_roster, known_roster
from appointments.selectors.wishes import (
    OutOfServiceArea,
    location_serving,
    renewed,
    wish_for,
)
from core.errors import Unavailable
from core.travel import MOST_MINUTES
from core.walltime import as_instant, day_bounds, local_date

__all__ = [
    "OutOfServiceArea",
    "RosterChanged",
    "days_around",
    "explain_start",
    "facts_for",
    "location_serving",
    "promises_between",
    "renewed",
    "slots_between",
    "wish_for",
    "with_caps",
    "workers_for",
]

Workers = dict[UUID, Worker]
P = ParamSpec("P")
T = TypeVar("T")

# A roster that changes as often as that while one question is answered is no roster.
_TRIES = 5


class RosterChanged(Unavailable):
    """Something of the roster changed since the wish was made: make it anew."""


def asked_anew(ask: Callable[P, T]) -> Callable[P, T]:
    """Let a question about a `wish` be asked again when the roster changes meanwhile.

    Raises:
        RosterChanged: it does so time and again.
    """

    @wraps(ask)
    def asked(*args: P.args, **given: P.kwargs) -> T:
        for _ in range(_TRIES):
            with suppress(RosterChanged):
                return ask(*args, **given)
            given["wish"] = renewed(cast("Wish", given["wish"]))
        raise RosterChanged("The roster is being changed. Please try again.")

    return asked


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why a start is refused: as a whole, and by each technician (id, name, why)."""

    start: datetime
    reason: Reason | None
    technicians: list[tuple[UUID, str, Reason | None]]


@asked_anew
def slots_between(
    *,
    wish: Wish,
    first_day: date,
    days: int,
    technician_id: UUID | None = None,
    own: Collection[UUID] = (),
) -> list[tuple[Promise, list[Placement]]]:
    """Return what can be booked on `days` local days from `first_day` on, and how.

    `own` are the visit to be moved or one's own hold: they never block (R11, R12).
    """
    wish, workers, wanted = facts_for(
        wish, first_day=first_day, days=days, technician_id=technician_id, own=own
    )
    return list(slots.offers(wish, workers, wanted))


@asked_anew
def promises_between(
    *,
    wish: Wish,
    first_day: date,
    days: int,
    technician_id: UUID | None = None,
    own: Collection[UUID] = (),
) -> list[Promise]:
    """Return what can be booked as `slots_between` does, without asking by whom."""
    wish, workers, wanted = facts_for(
        wish, first_day=first_day, days=days, technician_id=technician_id, own=own
    )
    return slots.offered(wish, workers, wanted)


@asked_anew
def explain_start(*, wish: Wish, starts_at: datetime) -> Explanation:
    """Return who could begin at `starts_at`, and why the others could not.

    Raises:
        NonexistentLocalTime, AmbiguousLocalTime: of a naive `starts_at`.
    """
    start = as_instant(starts_at, zone=wish.branch.zone)
    day = local_date(start, zone=wish.branch.zone)
    wish = with_caps(wish, days=[day])
    promise = slots.promise_at(wish, to_minute(start))
    if isinstance(promise, Reason):
        reason: Reason | None = promise
        first = to_minute(start)
        promise = Promise(first, first + slots.EXACT_PROMISE, day)
    else:
        reason = slots.promise_refusal(wish, promise)
    workers = workers_for(wish=wish, days=days_around(wish, promise))
    people = current_roster(day=wish.now.date()).people
    return Explanation(
        start=start,
        reason=reason,
        technicians=[
            (worker.id, people[worker.id].name, slots.why_not(wish, worker, promise))
            for worker in workers.values()
        ],
    )


def workers_for(
    *,
    wish: Wish,
    days: Collection[date],
    technician_ids: Collection[UUID] | None = None,
    own: Collection[UUID] = (),
    only_fit: bool = False,
) -> Workers:
    """Return the technicians of the wish's branch with their calendars on `days`.

    With `technician_ids`, just those, wherever they work; `only_fit` leaves out whom
    the wish cannot go to on any of the days. One query, unless the roster changed
    since it was read.

    Raises:
        RosterChanged: the wish was made from another roster than the one that holds.
    """
    since, span = min(*days, wish.now.date()), _reach(wish, days)
    roster = known_roster(day=since)
    while True:
        everybody = roster.crew_at(wish.branch.id)
        asked = everybody if technician_ids is None else technician_ids
        people = [roster.people[key] for key in asked if key in roster.people]
        if only_fit:  # who is not on the first day will not be later
            first = min(days)
            people = [one for one in people if not fitness_refusal(wish, one, first)]
        version, stops = _stops([person.id for person in people], span=span)
        if wish.version not in {None, version}:
            raise RosterChanged
        if version == roster.version:
            break
        roster = current_roster(day=since)
    return {
        person.id: _worker(
            person, roster, span, days=stops[person.id], now=wish.now, own=own
        )
        for person in people
    }


def with_caps(
    wish: Wish, *, days: Collection[date], own: Collection[UUID] = ()
) -> Wish:
    """Return the wish with what its caps have taken on these days."""
    if not wish.caps:
        return wish
    caps = with_taken(wish.caps, branch=wish.branch, days=days, now=wish.now, own=own)
    return replace(wish, caps=caps)


def days_around(wish: Wish, promise: Promise) -> list[date]:
    """Return the local days on which a visit so promised may begin."""
    last = local_date(to_moment(promise.end), zone=wish.branch.zone)
    return [promise.day + timedelta(n) for n in range((last - promise.day).days + 1)]


def facts_for(
    wish: Wish,
    *,
    first_day: date,
    days: int,
    technician_id: UUID | None = None,
    own: Collection[UUID] = (),
) -> tuple[Wish, Workers, list[date]]:
    """Return all that is asked when slots are listed.

    The wish with what its caps have taken, the technicians, and the local days.

    Raises:
        RosterChanged: see `workers_for`.
    """
    wanted = [first_day + timedelta(days=n) for n in range(days)]
    workers = workers_for(
        wish=wish,
        days=wanted,
        technician_ids=None if technician_id is None else [technician_id],
        own=own,
        only_fit=True,
    )
    return with_caps(wish, days=wanted, own=own), workers, wanted


def _worker(
    person: Person,
    roster: Roster,
    span: Span,
    *,
    days: list[bytes],
    now: datetime,
    own: Collection[UUID],
) -> Worker:
    # A night shift begins the day before, and zones lie up to a day apart.
    first = to_moment(span.start).date() - timedelta(days=2)
    last = to_moment(span.end).date() + timedelta(days=1)
    shifts = [
        shift
        for n in range((last - first).days + 1)
        for shift in roster.shifts_on(person.id, first + timedelta(days=n))
        if shift.start < span.end and span.start < shift.end
    ]
    stops = slots.live(days, now=now, own=own)
    is_lasting = not own and not slots.has_holds(stops)
    return Worker(
        id=person.id,
        is_active=person.is_active,
        skills=person.skills,
        zones=person.zones,
        home=person.home,
        shifts=sorted(shifts),
        time_off=[away for away in person.time_off if away.overlaps(span)],
        stops=stops,
        fingerprint=((roster.version, person.id, span, *days) if is_lasting else None),
    )


def _reach(wish: Wish, days: Collection[date]) -> Span:
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


def _stops(
    technician_ids: list[UUID], *, span: Span
) -> tuple[UUID | None, dict[UUID, list[bytes]]]:
    """Return the packed days of each technician that touch the span, in order.

    And the roster's version as of the same moment.
    """
    found: dict[UUID, list[bytes]] = defaultdict(list)
    days = to_moment(span.start).date(), to_moment(span.end).date()
    with connection.cursor() as cursor:
        cursor.cursor.format = Format.BINARY  # as text, bytes are twice as long
        cursor.execute(_DAYS, [technician_ids, *days])
        rows = cursor.fetchall()
    for _, technician_id, packed in rows:
        found[technician_id].append(packed)
    return rows[0][0], found


_DAYS = """
    SELECT roster.version, technician_id, stops
    FROM (SELECT (SELECT version FROM appointments_rosterversion)) AS roster (version)
    LEFT JOIN appointments_technicianday
        ON technician_id = ANY(%s) AND day BETWEEN %s AND %s AND stops <> ''
    ORDER BY technician_id, day
"""

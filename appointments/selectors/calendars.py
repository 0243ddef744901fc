"""Technicians' calendars, as they are read from the database."""

from collections import defaultdict
from collections.abc import Collection
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db import connection
from psycopg.pq import Format

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


def packed_days(
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


def worker_of(
    *,
    person: Person,
    roster: Roster,
    span: Span,
    days: list[bytes],
    now: datetime,
    own: Collection[UUID],
) -> Worker:
    """Return the technician with the calendar of the span, from its packed days."""
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
    if own or slots.has_holds(stops):
        return worker  # another asker, or another moment, has another calendar
    return worker.marked((roster.version, person.id, span, *days))

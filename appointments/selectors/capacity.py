"""Load the facts on which the slot engine decides: a constant number of queries."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from uuid import UUID

from django.db import connection

from appointments.models import PreferenceKind, Service, TechnicianPreference
from appointments.rules import slots
from appointments.rules.slots import (
    Override,
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
from appointments.selectors.caps import with_taken
from appointments.selectors.roster import Person, Roster, current_roster, known_roster
from core.errors import Rejected
from core.models import Location, ZoneZip
from core.travel import MOST_MINUTES, Place, place_at, travel
from core.walltime import as_instant, day_bounds, local_date
from leads.models import Property
from leads.rules.places import place_of_zip

Workers = dict[UUID, Worker]


class OutOfServiceArea(Rejected):
    """No branch serves that ZIP."""

    code = "out_of_service_area"
    title = "Outside of the service area"


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why a start is refused: as a whole, and by each technician (id, name, why)."""

    start: datetime
    reason: Reason | None
    technicians: list[tuple[UUID, str, Reason | None]]


def location_serving(postal_code: str) -> Location:
    """Return the branch that serves a ZIP.

    Raises:
        OutOfServiceArea: none does.
    """
    location_id = ZoneZip.objects.location_of(postal_code)
    if location_id is None:
        raise OutOfServiceArea(f"We do not serve {postal_code or 'that address'} yet.")
    return Location.objects.get(pk=location_id)


def wish_for(
    *,
    service: Service,
    location: Location,
    postal_code: str,
    now: datetime,
    address: Property | None = None,
    customer_id: UUID | None = None,
    override: Collection[Override] = (),
) -> Wish:
    """Return the wish for that service at that address, asked at `now`.

    Where no `address` with coordinates is known, the visit is in the middle of its
    ZIP: a property is given the same place until somebody locates it.
    """
    roster = current_roster(day=now.date())
    branch = roster.branches[location.pk]
    at, zone_id = roster.zips.get(postal_code[:5], (None, None))
    zone_id = zone_id if at == location.pk else None
    if customer_id is None and address is not None:
        customer_id = address.customer_id
    liked, barred = _preferences(customer_id)
    return Wish(
        terms=roster.terms[service.pk],
        branch=branch,
        zone_id=zone_id,
        now=now,
        place=_place(address, postal_code),
        caps=tuple(
            cap
            for cap in roster.caps.get(location.pk, ())
            if cap.service_id in {None, service.pk} and cap.zone_id in {None, zone_id}
        ),
        preferred=liked,
        barred=barred,
        overridden=frozenset(override),
        travel=travel(),
    )


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
    wish, workers, wanted = _facts(
        wish, first_day=first_day, days=days, technician_id=technician_id, own=own
    )
    return list(slots.offers(wish, workers, wanted))


def promises_between(
    *,
    wish: Wish,
    first_day: date,
    days: int,
    technician_id: UUID | None = None,
    own: Collection[UUID] = (),
) -> list[Promise]:
    """Return what can be booked as `slots_between` does, without asking by whom."""
    wish, workers, wanted = _facts(
        wish, first_day=first_day, days=days, technician_id=technician_id, own=own
    )
    return slots.offered(wish, workers, wanted)


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
) -> Workers:
    """Return the technicians of the wish's branch with their calendars on `days`.

    With `technician_ids`, just those, wherever they work. One query, unless the
    roster changed since it was read.
    """
    since, span = min(*days, wish.now.date()), _reach(wish, days)
    roster = known_roster(day=since)
    while True:
        asked = (
            roster.crew_at(wish.branch.id) if technician_ids is None else technician_ids
        )
        people = [roster.people[key] for key in asked if key in roster.people]
        version, stops = _stops([person.id for person in people], span=span)
        if version == roster.version:
            break
        roster = current_roster(day=since)
    return {
        person.id: _worker(
            person, roster, span, slots.live(stops[person.id], now=wish.now, own=own)
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


def _facts(
    wish: Wish,
    *,
    first_day: date,
    days: int,
    technician_id: UUID | None,
    own: Collection[UUID],
) -> tuple[Wish, Workers, list[date]]:
    wanted = [first_day + timedelta(days=n) for n in range(days)]
    workers = workers_for(
        wish=wish,
        days=wanted,
        technician_ids=None if technician_id is None else [technician_id],
        own=own,
    )
    return with_caps(wish, days=wanted, own=own), workers, wanted


def _worker(
    person: Person, roster: Roster, span: Span, stops: list[slots.Stop]
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
    return Worker(
        id=person.id,
        is_active=person.is_active,
        skills=person.skills,
        zones=person.zones,
        home=person.home,
        shifts=sorted(shifts),
        time_off=[away for away in person.time_off if away.overlaps(span)],
        stops=stops,
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


def _preferences(customer_id: UUID | None) -> tuple[frozenset[UUID], frozenset[UUID]]:
    """Return whom the customer prefers, and whom never to send."""
    if customer_id is None:
        return frozenset(), frozenset()
    rows = TechnicianPreference.objects.filter(customer=customer_id)
    kinds = list(rows.values_list("kind", "technician_id"))
    return (
        frozenset(who for kind, who in kinds if kind == PreferenceKind.PREFERRED),
        frozenset(who for kind, who in kinds if kind == PreferenceKind.BARRED),
    )


def _place(address: Property | None, postal_code: str) -> Place | None:
    if address is not None and address.latitude is not None:
        return place_at(address.latitude, address.longitude)
    return _middle_of(postal_code)


@lru_cache(maxsize=10_000)
def _middle_of(postal_code: str) -> Place | None:
    place = place_of_zip(postal_code)
    return place_at(place.latitude, place.longitude) if place else None

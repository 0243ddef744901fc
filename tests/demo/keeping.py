"""Whether visits keep the rules of booking, asked of the predicate itself."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date, datetime
from itertools import groupby
from uuid import UUID

from appointments.models import Appointment
from appointments.rules import slots
from appointments.rules.slots import Promise, Span, Terms, Wish, Worker, to_minute
from appointments.selectors import capacity
from appointments.selectors.roster import Roster, current_roster
from core.models import ZoneZip
from core.travel import Place, place_at
from core.walltime import local_date

Key = tuple[UUID, date]


def broken_rules(*, now: datetime, with_driving: bool = True) -> list[str]:
    """Return, for each open visit that could not have been booked so, why."""
    visits = (
        Appointment.objects.open()
        .select_related("location", "service", "property")
        .prefetch_related("assignments")
    )
    roster = current_roster(day=date(2000, 1, 9))
    return [
        f"{visit.reference}: {why}"
        for (_, day), together in groupby(sorted(visits, key=_key), key=_key)
        for visit, why in _broken_on(
            day, list(together), roster, now=now, with_driving=with_driving
        )
    ]


def _key(visit: Appointment) -> Key:
    day = local_date(visit.starts_at, zone=visit.location.time_zone)
    return visit.location_id, day


def _broken_on(
    day: date,
    visits: list[Appointment],
    roster: Roster,
    *,
    now: datetime,
    with_driving: bool,
) -> Iterator[tuple[Appointment, str]]:
    branch = roster.branches[visits[0].location_id]
    longest = max(roster.terms.values(), key=_length)
    any_wish = Wish(terms=longest, branch=branch, zone_id=None, now=now)
    workers = capacity.workers_for(wish=any_wish, days=[day])
    zones = dict(
        ZoneZip.objects.filter(zone__location=branch.id).values_list(
            "postal_code", "zone_id"
        )
    )
    for visit in visits:
        wish = Wish(
            terms=roster.terms[visit.service_id],
            branch=branch,
            zone_id=zones[visit.property.postal_code],
            now=visit.created_at,
            place=_place_of(visit) if with_driving else None,
        )
        why = _broken_promise(visit, wish) or _broken_work(visit, wish, workers)
        if why:
            yield visit, why


def _place_of(visit: Appointment) -> Place | None:
    return place_at(visit.property.latitude, visit.property.longitude)


def _length(terms: Terms) -> int:
    return terms.duration


def _broken_promise(visit: Appointment, wish: Wish) -> str | None:
    start, end = map(to_minute, (visit.window_starts_at, visit.window_ends_at))
    promise = slots.promise_at(wish, start)
    if not isinstance(promise, Promise) or promise.end != end:
        return f"promise {promise}"
    if to_minute(visit.starts_at) not in slots.work_starts(wish, promise):
        return "work outside of the window or the notice"
    return slots.promise_refusal(wish, promise)


def _broken_work(
    visit: Appointment, wish: Wish, workers: dict[UUID, Worker]
) -> str | None:
    start, end = to_minute(visit.starts_at), to_minute(visit.ends_at)
    crew: dict[UUID, list[Span]] = {}
    for row in _holding(visit):
        own = Span(to_minute(row.occupied_from), to_minute(row.occupied_until))
        crew.setdefault(row.technician_id, []).append(own)
    for technician_id, taken in crew.items():
        worker = workers[technician_id]
        others = [stop for stop in worker.stops if stop[:2] not in taken]
        assert len(others) == len(worker.stops) - len(taken)
        free = replace(worker, stops=others)
        planned = _parts_of(visit, wish, worker, start) or (Span(start, end),)
        if sorted(taken) != [slots.occupied_by(wish.terms, part) for part in planned]:
            return f"occupies {taken}"
        refusal = slots.start_refusal(wish, free, start)
        if refusal:
            return refusal
    return None if len(crew) in {0, wish.terms.crew_size} else f"crew of {len(crew)}"


def _parts_of(
    visit: Appointment, wish: Wish, worker: Worker, start: int
) -> tuple[Span, ...] | None:
    """Return the days' work of a visit that is split, the ways from home included."""
    if not wish.terms.splits:
        return None
    there = replace(wish, place=_place_of(visit))
    return slots.parts_from(there, replace(worker, stops=[]), start)


def _holding(visit: Appointment) -> Iterable:
    return (row for row in visit.assignments.all() if row.released_at is None)

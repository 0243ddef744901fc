"""Whether visits keep the rules of booking, asked of the predicate itself."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date, datetime
from itertools import groupby
from uuid import UUID

from appointments.models import Appointment
from appointments.rules import slots
from appointments.rules.slots import Interval, Promise, Terms, Wish, Worker
from appointments.selectors import capacity
from core.models import ZoneZip
from core.walltime import local_date

Key = tuple[UUID, date]


def broken_rules(*, now: datetime) -> list[str]:
    """Return, for each open visit that could not have been booked so, why."""
    visits = (
        Appointment.objects.open()
        .select_related("location", "service", "property")
        .prefetch_related("assignments")
    )
    terms = {visit.service_id: visit.service for visit in visits}
    known = {key: capacity.terms_of(service) for key, service in terms.items()}
    return [
        f"{visit.reference}: {why}"
        for (_, day), together in groupby(sorted(visits, key=_key), key=_key)
        for visit, why in _broken_on(day, list(together), known, now=now)
    ]


def _key(visit: Appointment) -> Key:
    day = local_date(visit.starts_at, zone=visit.location.time_zone)
    return visit.location_id, day


def _broken_on(
    day: date, visits: list[Appointment], terms: dict[UUID, Terms], *, now: datetime
) -> Iterator[tuple[Appointment, str]]:
    branch = capacity.branch_of(visits[0].location)
    longest = max(terms.values(), key=lambda each: each.duration)
    any_wish = Wish(terms=longest, branch=branch, zone_id=None, now=now)
    workers = capacity.workers_for(wish=any_wish, days=[day])
    zones = dict(
        ZoneZip.objects.filter(zone__location=branch.id).values_list(
            "postal_code", "zone_id"
        )
    )
    for visit in visits:
        wish = Wish(
            terms=terms[visit.service_id],
            branch=branch,
            zone_id=zones[visit.property.postal_code],
            now=visit.created_at,
        )
        why = _broken_promise(visit, wish) or _broken_work(visit, wish, workers)
        if why:
            yield visit, why


def _broken_promise(visit: Appointment, wish: Wish) -> str | None:
    promise = slots.promise_at(wish, visit.window_starts_at)
    if promise != Promise(start=visit.window_starts_at, end=visit.window_ends_at):
        return f"promise {promise}"
    if visit.starts_at not in slots.work_starts(wish, promise):
        return "work outside of the window or the notice"
    return slots.promise_refusal(wish, promise)


def _broken_work(
    visit: Appointment, wish: Wish, workers: dict[UUID, Worker]
) -> str | None:
    for assignment in _holding(visit):
        own = Interval(assignment.occupied_from, assignment.occupied_until)
        if own != slots.occupied_by(wish.terms, visit.starts_at):
            return f"occupies {own}"
        worker = workers[assignment.technician_id]
        others = list(worker.busy)
        others.remove(own)
        free = replace(worker, busy=tuple(others))
        refusal = slots.technician_refusal(wish, free, visit.starts_at)
        if refusal:
            return refusal
    return None


def _holding(visit: Appointment) -> Iterable:
    return (row for row in visit.assignments.all() if row.released_at is None)

"""Each technician's day: shifts, absences, visits, and how full it is."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from appointments.models import Assignment
from appointments.rules.load import Load, load_of
from appointments.rules.states import Status
from core.actors import Actor
from core.intervals import Interval
from core.models import Location
from core.walltime import day_bounds, local_date
from technicians.models import ShiftKind, Technician
from technicians.rules.shifts import ShiftInterval
from technicians.selectors import shift_intervals, time_off_between

T = TypeVar("T")

# Nobody is at one piece of work for longer: it lies in a shift, or is split. Without
# this bound the index would be read from the beginning of time.
_LONGEST = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class CrewDay:
    """One technician's local day at his home branch.

    `visits` are assignments, with visit, service and customer at hand.
    """

    technician: Technician
    day: Interval
    shifts: list[ShiftInterval]
    away: list[Interval]
    visits: list[Assignment]
    load: Load


def crew_days(
    *, actor: Actor, locations: Iterable[Location], now: datetime
) -> list[CrewDay]:
    """Return today for the active technicians of these branches, by branch and name.

    Always the same few queries, however many they are.
    """
    days = {place.pk: _today(place, now) for place in locations}
    technicians = list(
        Technician.objects.visible_to(actor)
        .active()
        .filter(location__in=days)
        .select_related("location")
        .order_by("location__name", "name", "pk")
    )
    if not technicians:
        return []
    ids = [technician.pk for technician in technicians]
    span = Interval(
        min(day.start for day in days.values()), max(day.end for day in days.values())
    )
    shifts = _grouped((row.technician_id, row) for row in _shifts(ids, span))
    away = _grouped(
        (row.technician_id, Interval(row.starts_at, row.ends_at))
        for row in time_off_between(
            technician_ids=ids, starts_at=span.start, ends_at=span.end
        )
    )
    visits = _grouped((row.technician_id, row) for row in _visits(ids, span))
    return [
        _crew_day(
            technician,
            day=days[technician.location_id],
            shifts=shifts[technician.pk],
            away=away[technician.pk],
            visits=visits[technician.pk],
        )
        for technician in technicians
    ]


def _today(location: Location, now: datetime) -> Interval:
    zone = location.time_zone
    return Interval(*day_bounds(local_date(now, zone=zone), zone=zone))


def _shifts(ids: Collection[UUID], span: Interval) -> list[ShiftInterval]:
    """Return the shifts that touch the span; a night shift begins the day before."""
    first = span.start.date() - timedelta(days=1)
    length = (span.end.date() - first).days + 1
    days = [first + timedelta(days=n) for n in range(length)]
    return shift_intervals(technician_ids=ids, days=days)


def _visits(ids: Collection[UUID], span: Interval) -> Iterable[Assignment]:
    return (
        Assignment.objects.on_the_visit()
        .filter(
            technician__in=ids,
            occupied_from__gte=span.start - _LONGEST,
            occupied_from__lt=span.end,
            occupied_until__gt=span.start,
        )
        .exclude(appointment__status=Status.CANCELLED)
        .select_related("appointment__service", "appointment__customer")
        .order_by("occupied_from", "pk")
    )


def _crew_day(
    technician: Technician,
    *,
    day: Interval,
    shifts: Iterable[ShiftInterval],
    away: Iterable[Interval],
    visits: Iterable[Assignment],
) -> CrewDay:
    today = [row for row in shifts if _interval(row).overlaps(day)]
    on_it = [row for row in visits if row.work.overlaps(day)]
    absences = [absence for absence in away if absence.overlaps(day)]
    return CrewDay(
        technician=technician,
        day=day,
        shifts=today,
        away=absences,
        visits=on_it,
        load=load_of(
            day=day,
            # Nobody is booked for a shift on call: it is kept for what comes up.
            shifts=[_interval(row) for row in today if row.kind != ShiftKind.ON_CALL],
            away=absences,
            work=[row.work for row in on_it],
        ),
    )


def _interval(shift: ShiftInterval) -> Interval:
    return Interval(shift.starts_at, shift.ends_at)


def _grouped(rows: Iterable[tuple[UUID, T]]) -> dict[UUID, list[T]]:
    groups: dict[UUID, list[T]] = defaultdict(list)
    for technician_id, row in rows:
        groups[technician_id].append(row)
    return groups

"""Load the facts on which the slot predicate decides: a constant number of queries."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TypeVar
from uuid import UUID

from django.db.models import Q

from appointments.models import Assignment, BookingMode, Service
from appointments.rules import slots
from appointments.rules.slots import (
    Branch,
    Interval,
    Placement,
    Promise,
    Reason,
    Terms,
    Wish,
    Worker,
)
from core.errors import Rejected
from core.models import Holiday, Location, OpeningHours, ZoneZip
from core.walltime import as_instant, day_bounds, local_date
from technicians.models import Technician, TechnicianSkill
from technicians.rules.shifts import ShiftInterval
from technicians.selectors import shift_intervals, time_off_between

Workers = dict[UUID, Worker]
T = TypeVar("T")


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


def slots_between(
    *,
    wish: Wish,
    first_day: date,
    days: int,
    technician_id: UUID | None = None,
    except_visit: UUID | None = None,
) -> list[tuple[Promise, list[Placement]]]:
    """Return what can be booked on `days` local days from `first_day` on.

    `except_visit` is the one to be moved: it never blocks itself (R12).
    """
    wanted = [first_day + timedelta(days=n) for n in range(days)]
    workers = workers_for(
        wish=wish,
        days=wanted,
        technician_ids=None if technician_id is None else [technician_id],
        except_visit=except_visit,
    )
    return list(slots.offers(wish, workers, iter(wanted)))


def explain_start(*, wish: Wish, starts_at: datetime) -> Explanation:
    """Return who could begin at `starts_at`, and why the others could not.

    Raises:
        NonexistentLocalTime, AmbiguousLocalTime: of a naive `starts_at`.
    """
    start = as_instant(starts_at, zone=wish.branch.zone)
    promise = slots.promise_at(wish, start)
    if isinstance(promise, Reason):
        reason: Reason | None = promise
        promise = Promise(start=start, end=start + slots.EXACT_PROMISE)
    else:
        reason = slots.promise_refusal(wish, promise)
    workers = workers_for(wish=wish, days=days_around(wish, start))
    names = dict(Technician.objects.filter(pk__in=workers).values_list("pk", "name"))
    return Explanation(
        start=start,
        reason=reason,
        technicians=[
            (worker.id, names[worker.id], slots.why_not(wish, worker, promise))
            for worker in workers.values()
        ],
    )


def terms_of(service: Service) -> Terms:
    """Return what the service asks for."""
    return Terms(
        duration=timedelta(minutes=service.duration_minutes),
        before=timedelta(minutes=service.buffer_before_minutes),
        after=timedelta(minutes=service.buffer_after_minutes),
        window=(
            timedelta(minutes=service.window_minutes)
            if service.booking_mode == BookingMode.WINDOW
            else None
        ),
        notice=timedelta(minutes=service.notice_minutes),
        horizon_days=service.horizon_days,
        skills=frozenset(service.skills.values_list("pk", flat=True)),
        is_emergency=service.is_emergency,
    )


def branch_of(location: Location) -> Branch:
    """Return when the location lets work begin."""
    hours = OpeningHours.objects.filter(location=location)
    holidays = Holiday.objects.filter(Q(location=location) | Q(location=None))
    return Branch(
        id=location.pk,
        zone=location.time_zone,
        hours={row.weekday: (row.opens, row.closes) for row in hours},
        holidays=frozenset(holidays.values_list("date", flat=True)),
    )


def wish_for(
    *, service: Service, location: Location, postal_code: str, now: datetime
) -> Wish:
    """Return the wish for that service at that address, asked at `now`."""
    zone_id = (
        ZoneZip.objects.filter(postal_code=postal_code[:5], zone__location=location)
        .values_list("zone_id", flat=True)
        .first()
    )
    return Wish(
        terms=terms_of(service),
        branch=branch_of(location),
        zone_id=zone_id,
        now=now,
    )


def workers_for(
    *,
    wish: Wish,
    days: Collection[date],
    technician_ids: Collection[UUID] | None = None,
    except_visit: UUID | None = None,
) -> Workers:
    """Return the technicians of the wish's branch with their calendars on `days`.

    With `technician_ids`, just those, wherever they work. `except_visit` is left
    out of their calendars: a visit never blocks itself (R12).
    """
    technicians = list(_technicians(wish, technician_ids))
    ids = [technician.pk for technician in technicians]
    # A night shift begins the day before.
    shifts = shift_intervals(
        technician_ids=ids, days=[min(days) - timedelta(days=1), *days]
    )
    span = _span(wish, days)
    absences = time_off_between(
        technician_ids=ids, starts_at=span.start, ends_at=span.end
    )
    return _assemble(
        technicians=technicians,
        skills=TechnicianSkill.objects.filter(technician__in=ids),
        shifts=shifts,
        time_off=[
            (row.technician_id, Interval(row.starts_at, row.ends_at))
            for row in absences
        ],
        busy=_busy(ids, span=span, except_visit=except_visit),
    )


def days_around(wish: Wish, start: datetime) -> list[date]:
    """Return the local days that a visit starting at `start` may touch."""
    first = local_date(start, zone=wish.branch.zone)
    last = local_date(start + wish.terms.duration, zone=wish.branch.zone)
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def _technicians(
    wish: Wish, technician_ids: Collection[UUID] | None
) -> Iterable[Technician]:
    technicians = Technician.objects.prefetch_related("zones").order_by("pk")
    if technician_ids is not None:
        return technicians.filter(pk__in=technician_ids)
    works_here = Q(weekly_shifts__location=wish.branch.id) | Q(
        shift_exceptions__location=wish.branch.id
    )
    return technicians.active().filter(works_here).distinct()


def _span(wish: Wish, days: Collection[date]) -> Interval:
    """Return all that a visit on `days` can touch, its buffers included."""
    start, _ = day_bounds(min(days), zone=wish.branch.zone)
    _, end = day_bounds(max(days), zone=wish.branch.zone)
    terms = wish.terms
    longest_window = terms.window or timedelta()
    return Interval(
        start - terms.before,
        end + longest_window + terms.duration + terms.after,
    )


def _busy(
    technician_ids: list[UUID], *, span: Interval, except_visit: UUID | None
) -> list[tuple[UUID, Interval]]:
    holding = Assignment.objects.holding().filter(
        technician__in=technician_ids,
        occupied_from__lt=span.end,
        occupied_until__gt=span.start,
    )
    if except_visit is not None:
        holding = holding.exclude(appointment=except_visit)
    rows = holding.values_list("technician_id", "occupied_from", "occupied_until")
    return [(technician, Interval(start, end)) for technician, start, end in rows]


def _assemble(
    *,
    technicians: Iterable[Technician],
    skills: Iterable[TechnicianSkill],
    shifts: Iterable[ShiftInterval],
    time_off: Iterable[tuple[UUID, Interval]],
    busy: Iterable[tuple[UUID, Interval]],
) -> Workers:
    skills_of: dict[UUID, dict[UUID, date | None]] = defaultdict(dict)
    for skill in skills:
        skills_of[skill.technician_id][skill.skill_id] = skill.valid_until
    shifts_of = _grouped((shift.technician_id, shift) for shift in shifts)
    time_off_of = _grouped(time_off)
    busy_of = _grouped(busy)
    return {
        technician.pk: Worker(
            id=technician.pk,
            is_active=technician.is_active,
            skills=skills_of[technician.pk],
            zones=frozenset(zone.pk for zone in technician.zones.all()),
            shifts=tuple(shifts_of[technician.pk]),
            time_off=tuple(time_off_of[technician.pk]),
            busy=tuple(busy_of[technician.pk]),
        )
        for technician in technicians
    }


def _grouped(rows: Iterable[tuple[UUID, T]]) -> dict[UUID, list[T]]:
    groups: dict[UUID, list[T]] = defaultdict(list)
    for technician_id, row in rows:
        groups[technician_id].append(row)
    return groups

"""Read the roster from its tables: a dozen queries, whatever the company's size."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime, time
from typing import Any, TypeVar
from uuid import UUID

from appointments.models import BookingMode, Cap, Service
from appointments.rules.slots import (
    Branch,
    CapState,
    Span,
    Terms,
    minute_from,
    to_minute,
)
from appointments.selectors.roster_facts import Person, Roster
from core.models import Holiday, Location, OpeningHours, ZoneZip
from core.travel import place_at
from technicians.models import (
    ShiftException,
    Technician,
    TechnicianSkill,
    TimeOff,
    WeeklyShift,
)
from technicians.rules.shifts import ShiftOverride, ShiftRule

T = TypeVar("T")


def read_roster(version: UUID | None, *, since: date) -> Roster:
    """Read all of it. What changes meanwhile comes with a version of its own."""
    locations = list(Location.objects.all())
    services = list(Service.objects.all())
    skills = _grouped(
        Service.skills.through.objects.values_list("service_id", "skill_id")
    )
    return Roster(
        version=version,
        since=since,
        locations={location.pk: location for location in locations},
        branches=_branches(locations),
        zips={
            zip_code: (location_id, zone_id)
            for zip_code, location_id, zone_id in ZoneZip.objects.filter(
                zone__location__is_active=True
            ).values_list("postal_code", "zone__location_id", "zone_id")
        },
        services={service.code: service for service in services},
        terms={
            service.pk: terms_of(service, skills=skills[service.pk])
            for service in services
        },
        people=_people(since),
        caps=_caps(),
    )


def _branches(locations: Iterable[Location]) -> dict[UUID, Branch]:
    hours: dict[UUID, dict[int, tuple[time, time]]] = defaultdict(dict)
    for location_id, weekday, opens, closes in OpeningHours.objects.values_list(
        "location_id", "weekday", "opens", "closes"
    ):
        hours[location_id][weekday] = (opens, closes)
    holidays = _grouped(Holiday.objects.values_list("location_id", "date"))
    everywhere = holidays[None]
    return {
        location.pk: Branch(
            id=location.pk,
            zone=location.time_zone,
            hours=hours[location.pk],
            holidays=frozenset(everywhere + holidays[location.pk]),
        )
        for location in locations
    }


def terms_of(service: Service, *, skills: Iterable[UUID]) -> Terms:
    """Return what the service asks for."""
    by_window = service.booking_mode == BookingMode.WINDOW
    return Terms(
        duration=service.duration_minutes,
        before=service.buffer_before_minutes,
        after=service.buffer_after_minutes,
        window=service.window_minutes if by_window else None,
        notice=service.notice_minutes,
        horizon_days=service.horizon_days,
        skills=frozenset(skills),
        is_emergency=service.is_emergency,
        crew_size=service.crew_size,
        splits=service.splits_over_days,
    )


def _people(since: date) -> dict[UUID, Person]:
    start = datetime.combine(since, time.min, tzinfo=UTC)
    skills = _grouped(
        (row[0], row[1:])
        for row in TechnicianSkill.objects.values_list(
            "technician_id", "skill_id", "valid_until"
        )
    )
    zones = _grouped(
        Technician.zones.through.objects.values_list("technician_id", "zone_id")
    )
    weekly = _grouped((row.technician_id, _rule(row)) for row in _weekly())
    exceptions = _grouped(
        (row.technician_id, _override(row))
        for row in ShiftException.objects.filter(date__gte=since)
    )
    away = _grouped(
        (row.technician_id, Span(to_minute(row.starts_at), minute_from(row.ends_at)))
        for row in TimeOff.objects.filter(ends_at__gt=start).order_by("starts_at")
    )
    return {
        row.pk: Person(
            id=row.pk,
            name=row.name,
            is_active=row.is_active,
            home=place_at(row.home_latitude, row.home_longitude),
            skills=dict(skills[row.pk]),
            zones=frozenset(zones[row.pk]),
            weekly=tuple(weekly[row.pk]),
            exceptions=tuple(exceptions[row.pk]),
            time_off=tuple(away[row.pk]),
        )
        for row in Technician.objects.order_by("pk")
    }


def _weekly() -> Iterable[WeeklyShift]:
    return WeeklyShift.objects.order_by("technician_id", "weekday", "starts")


def _rule(row: WeeklyShift) -> ShiftRule:
    return ShiftRule(
        technician_id=row.technician_id,
        location_id=row.location_id,
        weekday=row.weekday,
        starts=row.starts,
        ends=row.ends,
        kind=row.kind,
        valid_from=row.valid_from,
        valid_until=row.valid_until,
    )


def _override(row: ShiftException) -> ShiftOverride:
    return ShiftOverride(
        technician_id=row.technician_id,
        date=row.date,
        location_id=row.location_id,
        starts=row.starts,
        ends=row.ends,
        kind=row.kind,
    )


def _caps() -> dict[UUID, tuple[CapState, ...]]:
    caps = _grouped(
        (
            row.location_id,
            CapState(
                id=row.pk,
                most=row.most,
                weekday=row.weekday,
                service_id=row.service_id,
                zone_id=row.zone_id,
            ),
        )
        for row in Cap.objects.order_by("pk")
    )
    return {key: tuple(rows) for key, rows in caps.items()}


def _grouped(rows: Iterable[tuple[Any, T]]) -> dict[Any, list[T]]:
    groups: dict[Any, list[T]] = defaultdict(list)
    for key, row in rows:
        groups[key].append(row)
    return groups

"""Write a drawn world to the tables, in few statements."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from appointments.models import Appointment, Assignment, Service
from core.models import Holiday, Location, OpeningHours, Zone, ZoneZip
from leads.models import Property
from technicians.models import (
    ShiftException,
    ShiftKind,
    Skill,
    Technician,
    TechnicianSkill,
    TimeOff,
    WeeklyShift,
)
from tests.factories import make_property, make_service
from tests.properties.worlds import Member, Span, World

# ZIPs that no map knows: whoever lives there has no coordinates, and nobody drives.
HERE, THERE = "QHERE", "QAWAY"


@dataclass
class Built:
    """The rows of a world."""

    branch: Location
    service: Service
    address: Property
    crew: list[Technician]


def build(world: World) -> Built:
    """Write the world down."""
    branch, other = Location.objects.bulk_create(
        [
            Location(code="here", name="Here", time_zone=world.zone),
            Location(code="there", name="There", time_zone=world.zone),
        ]
    )
    OpeningHours.objects.bulk_create(
        OpeningHours(location=branch, weekday=weekday, opens=opens, closes=closes)
        for weekday, (opens, closes) in world.hours.items()
    )
    Holiday.objects.bulk_create(
        [Holiday(location=branch, date=day, name="Ours") for day in world.holidays]
        + [Holiday(date=day, name="All's") for day in world.company_holidays]
    )
    zones = Zone.objects.bulk_create(
        Zone(location=branch, name=name) for name in ("here", "there")
    )
    ZoneZip.objects.bulk_create(
        ZoneZip(zone=zone, postal_code=code)
        for zone, code in zip(zones, (HERE, THERE), strict=True)
    )
    skill = Skill.objects.create(code="skill", name="Skill")
    service = _service(world, skill)
    address = make_property(postal_code=HERE)
    crew = _crew(world, branch=branch, other=other, zones=zones, skill=skill)
    _visits(world, crew=crew, branch=branch, address=address)
    return Built(branch=branch, service=service, address=address, crew=crew)


def _service(world: World, skill: Skill) -> Service:
    return make_service(
        skills=[skill] if world.needs_skill else [],
        duration_minutes=world.duration,
        buffer_before_minutes=world.before,
        buffer_after_minutes=world.after,
        booking_mode="exact" if world.window is None else "window",
        window_minutes=world.window or 120,
        notice_minutes=world.notice,
        horizon_days=world.horizon,
        is_emergency=world.is_emergency,
    )


def _crew(
    world: World,
    *,
    branch: Location,
    other: Location,
    zones: list[Zone],
    skill: Skill,
) -> list[Technician]:
    crew = Technician.objects.bulk_create(
        Technician(location=branch, name=f"Member {n}", is_active=member.is_active)
        for n, member in enumerate(world.crew)
    )
    named = {zone.name: zone for zone in zones}
    both = list(zip(crew, world.crew, strict=True))
    for technician, member in both:
        if member.zone is not None:
            technician.zones.set([named[member.zone]])
    TechnicianSkill.objects.bulk_create(
        TechnicianSkill(
            technician=technician, skill=skill, valid_until=member.skilled_until
        )
        for technician, member in both
        if member.skilled_until is not None
    )
    WeeklyShift.objects.bulk_create(
        WeeklyShift(
            technician=technician,
            weekday=shift.weekday,
            valid_from=shift.valid_from,
            valid_until=shift.valid_until,
            **_times(shift, branch=branch, other=other),
        )
        for technician, member in both
        for shift in member.shifts
    )
    ShiftException.objects.bulk_create(
        ShiftException(
            technician=technician,
            date=row.date,
            **_times(row, branch=branch, other=other),
        )
        for technician, member in both
        for row in member.exceptions
    )
    TimeOff.objects.bulk_create(
        TimeOff(technician=technician, starts_at=away.starts_at, ends_at=away.ends_at)
        for technician, member in both
        for away in member.absences
    )
    return crew


def _times(shift: Any, *, branch: Location, other: Location) -> dict[str, Any]:
    if shift.starts is None:
        return {}
    return {
        "location": other if shift.elsewhere else branch,
        "starts": shift.starts,
        "ends": shift.ends,
        "kind": ShiftKind.ON_CALL if shift.on_call else ShiftKind.REGULAR,
    }


def _visits(
    world: World, *, crew: list[Technician], branch: Location, address: Property
) -> None:
    """Write what takes the technicians' time, and what did until it was called off."""
    service = make_service()

    def visit(span: Span, **given: Any) -> Appointment:
        return Appointment(
            location=branch,
            service=service,
            customer=address.customer,
            property=address,
            window_starts_at=span.starts_at,
            window_ends_at=span.ends_at,
            starts_at=span.starts_at,
            ends_at=span.ends_at,
            **given,
        )

    numbered = list(_stops(crew, world.crew))
    visits = Appointment.objects.bulk_create(
        visit(span, reference=f"V-{number:08d}")
        for number, (_, span, _) in enumerate(numbered)
    )
    Assignment.objects.bulk_create(
        Assignment(
            appointment=each,
            technician=technician,
            occupied_from=span.starts_at,
            occupied_until=span.ends_at,
            released_at=world.now - timedelta(days=1) if is_over else None,
        )
        for each, (technician, span, is_over) in zip(visits, numbered, strict=True)
    )


def _stops(
    crew: list[Technician], members: Iterable[Member]
) -> Iterable[tuple[Technician, Span, bool]]:
    for technician, member in zip(crew, members, strict=True):
        for span in member.taken:
            yield technician, span, False
        for span in member.let_go:
            yield technician, span, True

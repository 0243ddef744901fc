"""Write a drawn world to the tables, in few statements."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from appointments.models import Appointment, Assignment, Cap, Hold, Service
from core.models import Holiday, Location, OpeningHours, Zone, ZoneZip
from leads.models import Property
from leads.rules.places import place_of_zip
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
from tests.properties.worlds import Member, Spot, Stop, World

# The first is in the middle of our map; no map knows the others, and whoever lives
# there has no coordinates.
ON_THE_MAP, OFF_THE_MAP, THERE = "85004", "QHERE", "QAWAY"


def zip_of(world: World) -> str:
    """Return where the customer of a world lives."""
    return ON_THE_MAP if world.has_roads else OFF_THE_MAP


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
        for zone, code in zip(zones, (zip_of(world), THERE), strict=True)
    )
    skill = Skill.objects.create(code="skill", name="Skill")
    service = _service(world, skill)
    other_service = make_service()
    address = _address(world)
    crew = _crew(world, branch=branch, other=other, zones=zones, skill=skill)
    our_or_other = {True: service, False: other_service, None: None}
    named = {"here": zones[0], "there": zones[1], None: None}
    Cap.objects.bulk_create(
        Cap(
            location=branch,
            most=cap.most,
            service=our_or_other[cap.of_our_service],
            zone=named[cap.zone],
            weekday=cap.weekday,
        )
        for cap in world.caps
    )
    calendar = _Calendar(world, branch, zones[0], service, other_service, address)
    calendar.write(list(_stops(crew, world.crew)))
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
        crew_size=world.crew_size,
        splits_over_days=world.splits,
    )


def _address(world: World) -> Property:
    if not world.has_roads:
        return make_property(postal_code=OFF_THE_MAP)
    latitude, longitude = _degrees((0, 0))
    return make_property(postal_code=ON_THE_MAP, latitude=latitude, longitude=longitude)


def _degrees(spot: Spot | None) -> tuple[float, float] | tuple[None, None]:
    """Return latitude and longitude; the middle of the map is that of its ZIP."""
    middle = place_of_zip(ON_THE_MAP)
    if spot is None or middle is None:
        return None, None
    return middle.latitude + spot[1] / 100, middle.longitude + spot[0] / 100


def _crew(
    world: World,
    *,
    branch: Location,
    other: Location,
    zones: list[Zone],
    skill: Skill,
) -> list[Technician]:
    crew = Technician.objects.bulk_create(
        Technician(
            location=branch,
            name=f"Member {n}",
            is_active=member.is_active,
            home_latitude=_degrees(member.home)[0],
            home_longitude=_degrees(member.home)[1],
        )
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


@dataclass
class _Calendar:
    """Writes what takes the technicians' time, and what did until it was called off."""

    world: World
    branch: Location
    zone: Zone
    service: Service
    other: Service
    address: Property

    def write(self, stops: list[tuple[Technician, Stop, bool]]) -> None:
        owners: list[Appointment | Hold] = [
            self._visit(stop, number, is_over=is_over)
            if stop.held_until is None
            else self._hold(stop, number)
            for number, (_, stop, is_over) in enumerate(stops)
        ]
        Appointment.objects.bulk_create(o for o in owners if isinstance(o, Appointment))
        Hold.objects.bulk_create(o for o in owners if isinstance(o, Hold))
        Assignment.objects.bulk_create(
            self._assignment(owner, *stop)
            for owner, stop in zip(owners, stops, strict=True)
        )

    def _times(self, stop: Stop) -> dict[str, Any]:
        return {
            "location": self.branch,
            "zone": self.zone,
            "service": self.service if stop.of_our_service else self.other,
            "window_starts_at": stop.starts_at,
            "window_ends_at": stop.ends_at,
            "starts_at": stop.starts_at,
            "ends_at": stop.ends_at,
        }

    def _visit(self, stop: Stop, number: int, *, is_over: bool) -> Appointment:
        return Appointment(
            reference=f"V-{number:08d}",
            customer=self.address.customer,
            property=self.address,
            status="cancelled" if is_over else "scheduled",
            cancellation_reason="Sold" if is_over else "",
            **self._times(stop),
        )

    def _hold(self, stop: Stop, number: int) -> Hold:
        assert stop.held_until is not None
        return Hold(
            token_hash=f"{number:064d}",
            visitor=f"visitor {number}",
            postal_code=zip_of(self.world),
            expires_at=stop.held_until,
            **self._times(stop),
        )

    def _assignment(
        self, owner: Appointment | Hold, who: Technician, stop: Stop, is_over: bool
    ) -> Assignment:
        latitude, longitude = _degrees(stop.spot)
        return Assignment(
            appointment=owner if isinstance(owner, Appointment) else None,
            hold=owner if isinstance(owner, Hold) else None,
            technician=who,
            occupied_from=stop.starts_at,
            occupied_until=stop.ends_at,
            latitude=latitude,
            longitude=longitude,
            held_until=stop.held_until,
            released_at=self.world.now - timedelta(days=1) if is_over else None,
        )


def _stops(
    crew: list[Technician], members: Iterable[Member]
) -> Iterable[tuple[Technician, Stop, bool]]:
    for technician, member in zip(crew, members, strict=True):
        for stop in member.taken:
            yield technician, stop, False
        for stop in member.let_go:
            yield technician, stop, True

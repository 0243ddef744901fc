"""The company's frame: branches with their zones, hours and holidays; services."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

import holidays

from appointments.models import BookingMode, Service
from config.demo.copying import copy_in
from config.demo.data.branches import CLOSED_ON, OPENING_HOURS, BranchPlan
from config.demo.data.services import SKILLS, ServicePlan
from config.demo.dice import Dice
from config.demo.places import Place, place_at, places_by_zone, zone_of
from core.models import Holiday, Location, OpeningHours, Zone, ZoneZip
from technicians.models import Skill

_FOUNDED = timedelta(days=900)


def born(moment: datetime) -> dict[str, datetime]:
    """Return the fields that say when a row came."""
    return {"created_at": moment, "updated_at": moment}


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """A branch as it stands in the database, with the places around it."""

    plan: BranchPlan
    location: Location
    zones: list[Zone]
    places: list[tuple[Zone, Place]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A service in the database, beside its plan."""

    plan: ServicePlan
    service: Service


def found_branch(plan: BranchPlan, *, dice: Dice, now: datetime) -> Branch:
    """Write a branch with its zones, hours and two years of holidays."""
    founded = now - _FOUNDED
    location = _location(plan, dice=dice, founded=founded)
    copy_in([location])
    zones = {
        name: Zone(id=dice.uuid(founded), location=location, name=name)
        for name, _ in plan.zones
    }
    copy_in(list(zones.values()))
    branch = _with_places(plan, location, zones)
    copy_in(
        [
            ZoneZip(zone=zone, postal_code=place.postal_code)
            for zone, place in branch.places
        ]
    )
    copy_in(
        [
            OpeningHours(
                location=location, weekday=day, opens=time(start), closes=time(end)
            )
            for day, start, end in OPENING_HOURS
        ]
    )
    copy_in(list(closed_days(location, years=(now.year, now.year + 1))))
    return branch


def branch_as_stored(plan: BranchPlan) -> Branch:
    """Return a branch that was founded before."""
    location = Location.objects.get(code=plan.code)
    zones = {zone.name: zone for zone in Zone.objects.filter(location=location)}
    return _with_places(plan, location, zones)


def _with_places(
    plan: BranchPlan, location: Location, zones: dict[str, Zone]
) -> Branch:
    places = [
        (zones[name], place)
        for name, served in places_by_zone(plan).items()
        for place in served
    ]
    return Branch(
        plan=plan, location=location, zones=list(zones.values()), places=places
    )


def _location(plan: BranchPlan, *, dice: Dice, founded: datetime) -> Location:
    seat = place_at(plan.seat)
    return Location(
        id=dice.uuid(founded),
        code=plan.code,
        name=plan.name,
        time_zone=zone_of(plan.seat),
        phone=f"+1{plan.area_codes[0]}5550100",
        line1=plan.street,
        city=plan.city,
        region=seat.region,
        postal_code=plan.seat,
        latitude=seat.latitude,
        longitude=seat.longitude,
        **born(founded),
    )


def closed_days(location: Location, *, years: Iterable[int]) -> Iterable[Holiday]:
    """Yield the state's holidays on which the company stays closed."""
    calendar = holidays.country_holidays("US", subdiv=location.region, years=years)
    for day, names in sorted(calendar.items()):
        name = next((n for n in names.split("; ") if n.startswith(CLOSED_ON)), None)
        if name is not None:
            yield Holiday(location=location, date=day, name=name)


def list_skills(*, dice: Dice, now: datetime) -> dict[str, Skill]:
    """Write the skills, and return them by their code."""
    skills = {
        code: Skill(id=dice.uuid(now - _FOUNDED), code=code, name=name)
        for code, name in SKILLS.items()
    }
    copy_in(list(skills.values()))
    return skills


def offer_services(
    plans: Sequence[ServicePlan],
    *,
    skills: Mapping[str, Skill],
    dice: Dice,
    now: datetime,
) -> list[Offer]:
    """Write services with the skills that they need."""
    offers = [
        Offer(plan=plan, service=_service(plan, dice=dice, founded=now - _FOUNDED))
        for plan in plans
    ]
    copy_in([offer.service for offer in offers])
    needs = Service.skills.through
    copy_in(
        [
            needs(service_id=offer.service.pk, skill_id=skills[code].pk)
            for offer in offers
            for code in offer.plan.skills
        ]
    )
    return offers


def _service(plan: ServicePlan, *, dice: Dice, founded: datetime) -> Service:
    booked: dict[str, Any] = (
        {"booking_mode": BookingMode.EXACT}
        if plan.window is None
        else {"booking_mode": BookingMode.WINDOW, "window_minutes": plan.window}
    )
    return Service(
        id=dice.uuid(founded),
        code=plan.code,
        name=plan.name,
        description=plan.about,
        duration_minutes=plan.duration,
        buffer_before_minutes=plan.before,
        buffer_after_minutes=plan.after,
        notice_minutes=plan.notice,
        horizon_days=plan.horizon,
        price_cents=plan.price,
        is_emergency=plan.emergency,
        is_public=plan.public,
        crew_size=plan.crew,
        splits_over_days=plan.splits,
        requires_approval=plan.approval,
        **booked,
        **born(founded),
    )

"""The roster: all that slots depend on besides taken time, kept in the process.

It is read whole and kept under its exact version (`RosterVersion`): triggers draw a
new one with each change of any of its tables, in the transaction that changes it.
So an answer costs one small query to see that nothing changed, and no answer is
ever made from a roster that is older than what the transaction can see.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection

from appointments.models import BookingMode, Cap, Service
from appointments.rules.slots import (
    Branch,
    CapState,
    Shift,
    Span,
    Terms,
    minute_from,
    to_minute,
)
from core.models import Holiday, Location, OpeningHours, ZoneZip
from core.travel import Place, place_at
from technicians.models import (
    ShiftException,
    ShiftKind,
    Technician,
    TechnicianSkill,
    TimeOff,
    WeeklyShift,
)
from technicians.rules.shifts import ShiftOverride, ShiftRule, expand_shifts

T = TypeVar("T")

# Absences and exceptions that are long over do not come along.
_KEPT_DAYS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A technician: abilities, and the rules by which he works."""

    id: UUID
    name: str
    is_active: bool
    home: Place | None
    skills: Mapping[UUID, date | None]
    zones: frozenset[UUID]
    weekly: tuple[ShiftRule, ...]
    exceptions: tuple[ShiftOverride, ...]
    time_off: tuple[Span, ...]

    def works_at(self, location_id: UUID) -> bool:
        rules: tuple[ShiftRule | ShiftOverride, ...] = (*self.weekly, *self.exceptions)
        return any(rule.location_id == location_id for rule in rules)


@dataclass(frozen=True, slots=True, kw_only=True)
class Roster:
    """The company as the slot engine sees it, as of one version.

    `since` is the first day for which absences and exceptions were read. A ZIP names
    its branch and zone, where the branch is active. Locations and services (by their
    codes) are there to be read: nobody saves these instances.
    """

    version: UUID | None
    since: date
    locations: Mapping[UUID, Location]
    branches: Mapping[UUID, Branch]
    zips: Mapping[str, tuple[UUID, UUID]]
    services: Mapping[str, Service]
    terms: Mapping[UUID, Terms]
    people: Mapping[UUID, Person]
    caps: Mapping[UUID, tuple[CapState, ...]]
    _shifts: dict[tuple[UUID, date], tuple[Shift, ...]] = field(default_factory=dict)
    _crews: dict[UUID, tuple[UUID, ...]] = field(default_factory=dict)

    def crew_at(self, location_id: UUID) -> tuple[UUID, ...]:
        """Return the active technicians who have shifts at the branch, in order."""
        crew = self._crews.get(location_id)
        if crew is None:
            crew = self._crews[location_id] = tuple(
                person.id
                for person in self.people.values()
                if person.is_active and person.works_at(location_id)
            )
        return crew

    def shifts_on(self, technician_id: UUID, day: date) -> tuple[Shift, ...]:
        """Return the technician's shifts that begin on that local day, in order."""
        known = self._shifts.get((technician_id, day))
        if known is None:
            known = self._expand(self.people[technician_id], day)
            self._shifts[technician_id, day] = known
        return known

    def _expand(self, person: Person, day: date) -> tuple[Shift, ...]:
        intervals = expand_shifts(
            weekly=person.weekly,
            exceptions=person.exceptions,
            days=[day],
            zones={key: branch.zone for key, branch in self.branches.items()},
        )
        return tuple(
            Shift(
                to_minute(each.starts_at),
                to_minute(each.ends_at),
                each.location_id,
                each.kind == ShiftKind.ON_CALL,
            )
            for each in intervals
        )


_current: Roster | None = None


def current_roster(*, day: date = date.max) -> Roster:
    """Return the roster as the transaction sees it, good for `day` and after.

    One query, unless something changed.
    """
    with connection.cursor() as cursor:
        cursor.execute(_VERSION)
        version: UUID | None = cursor.fetchone()[0]
    return _kept(version, day) or _keep(_read(version, day))


# Asked by each booking: spelt out, it costs a fraction of what the ORM takes for it.
_VERSION = "SELECT (SELECT version FROM appointments_rosterversion)"


def known_roster(*, day: date) -> Roster:
    """Return the roster as it was last read, good for `day` and after.

    For those who read the version along with other things, and compare.
    """
    known = _current
    return current_roster(day=day) if known is None or day < known.since else known


def _kept(version: UUID | None, day: date) -> Roster | None:
    """Return what the process keeps if it is of that version and reaches back."""
    known = _current
    if known is None or version is None:
        return None
    return known if known.version == version and known.since <= day else None


def _keep(roster: Roster) -> Roster:
    global _current  # noqa: PLW0603  # one roster a process, exchanged in one step
    if roster.version is not None:
        _current = roster
    return roster


def _read(version: UUID | None, day: date) -> Roster:
    """Read all of it. What changes meanwhile comes with a version of its own."""
    since = day - timedelta(days=_KEPT_DAYS)
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
    start = datetime.combine(since, time.min, tzinfo=ZoneInfo("UTC"))
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

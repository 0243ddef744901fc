"""What the roster holds; see `appointments.selectors.roster`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from appointments.models import Service
from appointments.rules.slots import Branch, CapState, Shift, Span, Terms, to_minute
from core.models import Location
from core.travel import Place
from technicians.models import ShiftKind
from technicians.rules.shifts import ShiftOverride, ShiftRule, expand_shifts


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

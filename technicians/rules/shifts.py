"""Turn wall-clock shifts into instants (R2)."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from core.walltime import recurring_instant


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftRule:
    """A shift that returns each week; see `WeeklyShift`."""

    technician_id: UUID
    location_id: UUID
    weekday: int
    starts: time
    ends: time
    kind: str
    valid_from: date | None
    valid_until: date | None

    def holds_on(self, day: date) -> bool:
        return (
            day.weekday() == self.weekday
            and (self.valid_from is None or self.valid_from <= day)
            and (self.valid_until is None or day <= self.valid_until)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftOverride:
    """What holds on one day instead; without times: off. See `ShiftException`."""

    technician_id: UUID
    date: date
    location_id: UUID | None
    starts: time | None
    ends: time | None
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftInterval:
    """A shift on one day: [starts_at, ends_at) in UTC."""

    technician_id: UUID
    location_id: UUID
    kind: str
    starts_at: datetime
    ends_at: datetime


def expand_shifts(
    *,
    weekly: Iterable[ShiftRule],
    exceptions: Iterable[ShiftOverride],
    days: Iterable[date],
    zones: Mapping[UUID, ZoneInfo],
) -> list[ShiftInterval]:
    """Return the shifts that begin on `days`, by the clock of each one's location.

    The exceptions of a technician's day replace all that the week would bring. A
    shift that the clock leaves nothing of is none.
    """
    instead: dict[tuple[UUID, date], list[ShiftOverride]] = defaultdict(list)
    for exception in exceptions:
        instead[exception.technician_id, exception.date].append(exception)
    rules = list(weekly)
    found: list[ShiftInterval] = []
    for day in days:
        regular = (
            rule
            for rule in rules
            if rule.holds_on(day) and (rule.technician_id, day) not in instead
        )
        overrides = (
            row for (_, on), rows in instead.items() if on == day for row in rows
        )
        found += _intervals([*regular, *overrides], day=day, zones=zones)
    return sorted(found, key=lambda shift: (shift.starts_at, shift.technician_id))


def _intervals(
    shifts: Iterable[ShiftRule | ShiftOverride],
    *,
    day: date,
    zones: Mapping[UUID, ZoneInfo],
) -> Iterator[ShiftInterval]:
    for shift in shifts:
        if shift.starts is None or shift.ends is None or shift.location_id is None:
            continue  # off
        zone = zones[shift.location_id]
        last_day = day if shift.ends > shift.starts else day + timedelta(days=1)
        starts_at = recurring_instant(day, shift.starts, zone=zone)
        ends_at = recurring_instant(last_day, shift.ends, zone=zone)
        if starts_at < ends_at:
            yield ShiftInterval(
                technician_id=shift.technician_id,
                location_id=shift.location_id,
                kind=shift.kind,
                starts_at=starts_at,
                ends_at=ends_at,
            )

"""The facts that the slot predicate decides on.

Instants are aware datetimes in UTC; intervals are half-open.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

from technicians.rules.shifts import ShiftInterval

# Work starts on quarter hours counted from the opening of the day.
GRID = timedelta(minutes=15)
# A visit booked by exact start promises that minute.
EXACT_PROMISE = timedelta(minutes=1)


class Reason(StrEnum):
    """Why a start is refused."""

    NOTICE = "notice"
    HORIZON = "horizon"
    HOLIDAY = "holiday"
    CLOSED = "closed"
    OFF_GRID = "off_grid"
    INACTIVE = "inactive"
    NO_SKILL = "no_skill"
    OUT_OF_ZONE = "out_of_zone"
    OFF_SHIFT = "off_shift"
    TIME_OFF = "time_off"
    BUSY = "busy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a service asks for and how it is promised."""

    duration: timedelta
    before: timedelta
    after: timedelta
    window: timedelta | None  # None: booked by exact start
    notice: timedelta
    horizon_days: int
    skills: frozenset[UUID]
    is_emergency: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """When a location lets work begin. `hours` maps a weekday to its wall times."""

    id: UUID
    zone: ZoneInfo
    hours: Mapping[int, tuple[time, time]]
    holidays: frozenset[date]


@dataclass(frozen=True, slots=True)
class Interval:
    """[start, end)."""

    start: datetime
    end: datetime

    def overlaps(self, other: "Interval") -> bool:
        return self.start < other.end and other.start < self.end

    def contains(self, other: "Interval") -> bool:
        return self.start <= other.start and other.end <= self.end


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """A technician as the predicate sees one: skills, zones, and a calendar.

    `busy` holds occupied intervals, buffers included, of other visits.
    """

    id: UUID
    is_active: bool
    skills: Mapping[UUID, date | None]
    zones: frozenset[UUID]
    shifts: tuple[ShiftInterval, ...]
    time_off: tuple[Interval, ...]
    busy: tuple[Interval, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A visit that somebody would like: what, where and asked when."""

    terms: Terms
    branch: Branch
    zone_id: UUID | None
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """What the customer is told: the technician arrives within [start, end)."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """A way to keep a promise: this technician, work from this start."""

    technician_id: UUID
    start: datetime
    load: timedelta


def work_of(terms: Terms, start: datetime) -> Interval:
    """Return the time spent on site."""
    return Interval(start, start + terms.duration)


def occupied_by(terms: Terms, start: datetime) -> Interval:
    """Return what a visit takes of a technician's day: the work and its buffers."""
    return Interval(start - terms.before, start + terms.duration + terms.after)

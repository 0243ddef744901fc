"""The facts that the slot engine decides on.

All is whole minutes since 1970 in UTC ("minutes" below), so that a night on which
the clock moves is as long as it is. Intervals are half-open.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import NamedTuple, Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

from core.travel import Place, Travel

# Work starts on quarter hours counted from the opening of the day.
GRID = 15
# A visit booked by exact start promises that minute.
EXACT_PROMISE = 1
# No visit is split into more days than this, and none begins with less than that.
MOST_PARTS = 14
LEAST_PART = 60

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTE = timedelta(minutes=1)


def to_minute(moment: datetime) -> int:
    """Return the minute that `moment` lies in."""
    return (moment - _EPOCH) // _MINUTE


def minute_from(moment: datetime) -> int:
    """Return the first minute that begins at `moment` or later."""
    return -((_EPOCH - moment) // _MINUTE)


def to_moment(minute: int) -> datetime:
    """Return the instant at which the minute begins, in UTC."""
    return datetime.fromtimestamp(minute * 60, UTC)


class Reason(StrEnum):
    """Why a start is refused."""

    NOTICE = "notice"
    HORIZON = "horizon"
    HOLIDAY = "holiday"
    CLOSED = "closed"
    OFF_GRID = "off_grid"
    CAP = "cap"
    INACTIVE = "inactive"
    NO_SKILL = "no_skill"
    OUT_OF_ZONE = "out_of_zone"
    BARRED = "barred"
    OFF_SHIFT = "off_shift"
    TIME_OFF = "time_off"
    BUSY = "busy"
    HELD = "held"
    TRAVEL = "travel"


class Override(StrEnum):
    """A soft rule that staff may set aside, with a reason (R9)."""

    NOTICE = "notice"
    HORIZON = "horizon"
    WINDOW = "window"
    ZONE = "zone"
    CAP = "cap"
    OVERTIME = "overtime"
    SKILL = "skill"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a service asks for and how it is promised; lengths in minutes."""

    duration: int
    before: int = 0
    after: int = 0
    window: int | None  # None: booked by exact start
    notice: int = 0
    horizon_days: int
    skills: frozenset[UUID] = frozenset()
    is_emergency: bool = False
    crew_size: int = 1
    splits: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """When a location lets work begin. `hours` maps a weekday to its wall times."""

    id: UUID
    zone: ZoneInfo
    hours: Mapping[int, tuple[time, time]]
    holidays: frozenset[date]


class Shift(NamedTuple):
    """A technician's shift at a branch, [start, end) in minutes."""

    start: int
    end: int
    location_id: UUID
    is_on_call: bool = False


class Span(NamedTuple):
    """[start, end) in minutes."""

    start: int
    end: int

    def overlaps(self, other: "Span") -> bool:
        return self.start < other.end and other.start < self.end


# What takes a technician's time, buffers included, as `stops.live` returns it:
# start and end in minutes, latitude and longitude in millionths of a degree, until
# when it is only held in microseconds since 1970 (0: it is firm), and the id of the
# visit or the hold. Plain tuples: a week of a branch has thousands of them.
Stop = tuple[int, int, int, int, int, bytes]


class Abilities(Protocol):
    """Who can do what, and where; calendar aside."""

    @property
    def id(self) -> UUID: ...
    @property
    def is_active(self) -> bool: ...
    @property
    def skills(self) -> Mapping[UUID, date | None]: ...
    @property
    def zones(self) -> frozenset[UUID]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """A technician as the engine sees one: abilities and a calendar, both sorted.

    A `fingerprint` stands for all of the calendar: workers of the same one have the
    same shifts, absences, stops and home. Without one, nothing is remembered.
    """

    id: UUID
    is_active: bool
    skills: Mapping[UUID, date | None]
    zones: frozenset[UUID]
    shifts: Sequence[Shift]
    time_off: Sequence[Span]
    stops: Sequence[Stop]
    home: Place | None = None
    fingerprint: Hashable = field(default=None, init=False, compare=False)

    def marked(self, fingerprint: Hashable) -> "Worker":
        """Put a fingerprint on this worker, and return it. A changed copy has none."""
        object.__setattr__(self, "fingerprint", fingerprint)
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class CapState:
    """At most `most` visits a day, and how many each day has taken."""

    id: UUID
    most: int
    weekday: int | None = None
    service_id: UUID | None = None
    zone_id: UUID | None = None
    taken: Mapping[date, int] = field(default_factory=dict)

    def is_reached_on(self, day: date) -> bool:
        if self.weekday is not None and day.weekday() != self.weekday:
            return False
        return self.taken.get(day, 0) >= self.most


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A visit that somebody would like: what, where and asked when.

    `preferred` and `barred` are technicians. A promise that `is_settled` was made
    before: notice, horizon and caps were settled with the customer then. `minutes` is
    how long the work takes where it is not as long as the service says; `terms` have
    it already. Visits and holds that do not count (R11, R12) are left out of the
    workers' calendars by whoever loads them; `service_id`, `postal_code` and the
    roster's `version` are his notes of what the wish was made from.
    """

    terms: Terms
    branch: Branch
    zone_id: UUID | None
    now: datetime
    place: Place | None = None
    caps: Sequence[CapState] = ()
    preferred: frozenset[UUID] = frozenset()
    barred: frozenset[UUID] = frozenset()
    overridden: frozenset[Override] = frozenset()
    is_settled: bool = False
    minutes: int | None = None
    service_id: UUID | None = None
    postal_code: str = ""
    version: UUID | None = None
    travel: Travel = field(default_factory=Travel, compare=False)

    @property
    def earliest(self) -> int:
        """The first minute at which work may start, by the service's notice."""
        if self.is_settled:
            return 0
        is_waived = Override.NOTICE in self.overridden
        return minute_from(self.now) + (0 if is_waived else self.terms.notice)


class Promise(NamedTuple):
    """What the customer is told: arrival within [start, end), on that local day."""

    start: int
    end: int
    day: date

    @property
    def starts_at(self) -> datetime:
        return to_moment(self.start)

    @property
    def ends_at(self) -> datetime:
        return to_moment(self.end)


class Placement(NamedTuple):
    """A way to keep a promise: these technicians, work in these parts.

    The first technician leads. `detour` is the travel that it adds to his day, and
    `load` what of the day is taken already, both in minutes.
    """

    technicians: tuple[UUID, ...]
    parts: tuple[Span, ...]
    detour: int
    load: int

    @property
    def start(self) -> int:
        return self.parts[0].start

    @property
    def end(self) -> int:
        return self.parts[-1].end


def occupied_by(terms: Terms, part: Span) -> Span:
    """Return what a part of a visit takes of a day: the work and its buffers (R4)."""
    return Span(part.start - terms.before, part.end + terms.after)

"""When the visits of a maintenance plan are due, and which offered time suits best."""

import calendar
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

from core.walltime import recurring_instant

MOST_SEASONS = 4
SHORTEST_DAYS, LONGEST_DAYS = 7, 184

# Every way that leap years and others follow each other.
_YEARS = range(2023, 2029)


class PlanState(StrEnum):
    """Whether a plan brings visits."""

    ACTIVE = "active"
    PAUSED = "paused"
    ENDED = "ended"


class OccurrenceState(StrEnum):
    """What became of one period's visit."""

    DUE = "due"
    BOOKED = "booked"
    CONFLICT = "conflict"
    SKIPPED = "skipped"
    DONE = "done"


# Not booked yet: each run of the generator tries again.
WAITING = frozenset({OccurrenceState.DUE, OccurrenceState.CONFLICT})


class Tolerance(StrEnum):
    """How far from its wish a visit may be booked."""

    EXACT = "exact"  # the wished weekday and time, in any week of the period
    SAME_TIME = "same_time"  # or the wished time on another weekday
    ANY = "any"  # or whatever is offered within the period

    @property
    def reach(self) -> int:
        """How far it reaches, to be compared."""
        return list(Tolerance).index(self)


class MonthDay(NamedTuple):
    """A day of every year."""

    month: int
    day: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Season:
    """A visit that each year brings: between which days, and when at best.

    The days may lie on both sides of New Year. No weekday means: any. `starts` is
    wall time of the branch.
    """

    key: str
    first: MonthDay
    last: MonthDay
    weekday: int | None
    starts: time

    def in_year(self, year: int) -> "Period":
        """Return the period that begins in that year."""
        last_year = year if self.last >= self.first else year + 1
        return Period(
            f"{year}-{self.key}",
            _first_day(year, self.first),
            _last_day(last_year, self.last),
            self,
        )


class Period(NamedTuple):
    """The local days, the last included, within which one visit is due."""

    key: str
    first_day: date
    last_day: date
    season: Season

    @property
    def days(self) -> int:
        return (self.last_day - self.first_day).days + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Wished:
    """What is left of a period, and when in it the visit would be best."""

    first_day: date
    last_day: date
    weekday: int | None
    starts: time
    zone: ZoneInfo

    @property
    def start(self) -> datetime:
        """The best start of all; wall time stays wall time on the clock's nights."""
        return recurring_instant(self.day, self.starts, zone=self.zone)

    @property
    def day(self) -> date:
        """The first day of the wished weekday; the first day where none is left."""
        if self.weekday is None:
            return self.first_day
        ahead = (self.weekday - self.first_day.weekday()) % 7
        day = self.first_day + timedelta(days=ahead)
        return day if day <= self.last_day else self.first_day


class Offer(NamedTuple):
    """A promise that can be kept, and whether the preferred technician could."""

    day: date
    starts_at: datetime
    ends_at: datetime
    by_preferred: bool = False


def seasons_fault(seasons: Iterable[Season]) -> str | None:
    """Return what is wrong with the seasons of a plan, or None."""
    known = list(seasons)
    if not 1 <= len(known) <= MOST_SEASONS:
        return f"A plan has 1 to {MOST_SEASONS} visits a year."
    if len({season.key for season in known}) < len(known):
        return "Each season needs a name of its own."
    periods = sorted(
        (season.in_year(year) for year in _YEARS for season in known),
        key=lambda period: period.first_day,
    )
    if not all(SHORTEST_DAYS <= each.days <= LONGEST_DAYS for each in periods):
        return f"A season lasts {SHORTEST_DAYS} to {LONGEST_DAYS} days."
    if any(after.first_day <= before.last_day for before, after in pairwise(periods)):
        return "The seasons of a plan must not overlap."
    return None


def periods_between(
    seasons: Iterable[Season],
    first_day: date,
    last_day: date,
    *,
    valid_from: date,
    valid_until: date | None,
) -> list[Period]:
    """Return the periods that touch these days, in order, cut to the plan's validity.

    What is cut to nothing is left out.
    """
    return sorted(
        (
            cut
            for season in seasons
            for year in range(first_day.year - 1, last_day.year + 1)
            for cut in _cut(season.in_year(year), valid_from, valid_until)
            if cut.first_day <= last_day and first_day <= cut.last_day
        ),
        key=lambda period: period.first_day,
    )


def by_merit(offers: Iterable[Offer], wished: Wished) -> list[Offer]:
    """Return the offers, the one that suits best first.

    The wished weekday and time come before the time on other days, and that before
    anything else; of equals what the preferred technician can keep, then the nearest.
    """
    return sorted(offers, key=lambda offer: _merit(offer, wished))


def suits(
    offer: Offer, *, wished: Wished, tolerance: Tolerance, sees_all: bool
) -> bool:
    """Tell whether a plan may take this offer.

    As long as days of the period lie beyond the horizon (not `sees_all`), only the
    very wish will do: better may come into sight.
    """
    return _reach(offer, wished) <= (tolerance if sees_all else Tolerance.EXACT).reach


def _reach(offer: Offer, wished: Wished) -> int:
    """Return how far a plan must reach for this offer, as `Tolerance.reach`."""
    start = recurring_instant(offer.day, wished.starts, zone=wished.zone)
    if not offer.starts_at <= start < offer.ends_at:
        return Tolerance.ANY.reach
    if wished.weekday in {None, offer.day.weekday()}:
        return Tolerance.EXACT.reach
    return Tolerance.SAME_TIME.reach


def _merit(offer: Offer, wished: Wished) -> tuple[int, bool, int, timedelta, datetime]:
    at_best = recurring_instant(offer.day, wished.starts, zone=wished.zone)
    return (
        _reach(offer, wished),
        not offer.by_preferred,
        abs((offer.day - wished.day).days),
        abs(offer.starts_at - at_best),
        offer.starts_at,
    )


def _cut(period: Period, first: date, last: date | None) -> Iterator[Period]:
    within = period._replace(
        first_day=max(period.first_day, first),
        last_day=period.last_day if last is None else min(period.last_day, last),
    )
    if within.days > 0:
        yield within


def _first_day(year: int, at: MonthDay) -> date:
    """Return the day in that year; what begins on Feb 29 begins on Mar 1 else."""
    return date(year, 3, 1) if _is_missing(year, at) else date(year, *at)


def _last_day(year: int, at: MonthDay) -> date:
    """Return the day in that year; what ends on Feb 29 ends on Feb 28 else."""
    return date(year, 2, 28) if _is_missing(year, at) else date(year, *at)


def _is_missing(year: int, at: MonthDay) -> bool:
    return at == (2, 29) and not calendar.isleap(year)

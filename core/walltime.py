"""Between wall clocks and instants (rules R1 and R2).

Instants are aware datetimes in UTC. A wall time is a naive datetime together with
the zone of a location. Two nights a year the two do not match one to one.
"""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from core.errors import Rejected


class NonexistentLocalTime(Rejected):
    """The clock jumped over this wall time."""

    code = "nonexistent_local_time"
    title = "No such local time"


class AmbiguousLocalTime(Rejected):
    """The clock showed this wall time twice; an offset would tell which."""

    code = "ambiguous_local_time"
    title = "Local time happened twice"


def instant(wall: datetime, *, zone: ZoneInfo) -> datetime:
    """Return the one instant at which clocks in `zone` show `wall`.

    Raises:
        NonexistentLocalTime: they never do; the clock jumps over it.
        AmbiguousLocalTime: they do so twice.
    """
    first = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    second = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    if first == second:
        return first
    if first.astimezone(zone).replace(tzinfo=None) != wall:
        raise NonexistentLocalTime(f"{wall:%Y-%m-%d %H:%M} is skipped in {zone.key}.")
    raise AmbiguousLocalTime(
        f"{wall:%Y-%m-%d %H:%M} happens twice in {zone.key}; give the UTC offset."
    )


def as_instant(moment: datetime, *, zone: ZoneInfo) -> datetime:
    """Return `moment` in UTC; a naive one is read by the wall clock of `zone`.

    Raises:
        NonexistentLocalTime, AmbiguousLocalTime: of a naive one.
    """
    if moment.tzinfo is None:
        return instant(moment, zone=zone)
    return moment.astimezone(UTC)


@lru_cache(maxsize=10_000)
def recurring_instant(day: date, at: time, *, zone: ZoneInfo) -> datetime:
    """Return when a wall-clock rule strikes on `day`, on every day of the year.

    As RFC 5545 (3.3.5) has it: a skipped time is read with the offset before the
    jump, so 02:30 becomes 03:30; a repeated time is its first occurrence.
    """
    return datetime.combine(day, at, tzinfo=zone).astimezone(UTC)


def day_start(day: date, *, zone: ZoneInfo) -> datetime:
    """Return the instant at which the local day begins."""
    return recurring_instant(day, time.min, zone=zone)


@lru_cache(maxsize=10_000)
def day_bounds(day: date, *, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return the local day as [start, end): 23, 24 or 25 hours."""
    return day_start(day, zone=zone), day_start(day + timedelta(days=1), zone=zone)


def local_date(moment: datetime, *, zone: ZoneInfo) -> date:
    """Return the date on the wall calendar of `zone` at that instant."""
    return moment.astimezone(zone).date()

"""A second opinion: the rules as written, computed the slow way.

Nothing of the application is used here. Wall times are found by walking through the
minutes of a day and looking at the clock; every start is tried on its own.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import lru_cache
from zoneinfo import ZoneInfo

from tests.properties.worlds import (
    DAY,
    MINUTE,
    DayException,
    Member,
    Shift,
    Span,
    World,
)

QUARTER = 15 * MINUTE


@dataclass(frozen=True)
class Promise:
    """Arrival within [start, end), told on that local day."""

    start: datetime
    end: datetime
    day: date


@lru_cache(maxsize=200)
def _clock(zone: ZoneInfo, day: date) -> dict[datetime, datetime]:
    """Return what the clock shows around a day: the wall time to its first instant."""
    shown: dict[datetime, datetime] = {}
    moment = datetime.combine(day - DAY, time(), tzinfo=UTC)
    while moment < datetime.combine(day + 2 * DAY, time(), tzinfo=UTC):
        shown.setdefault(moment.astimezone(zone).replace(tzinfo=None), moment)
        moment += MINUTE
    return shown


@lru_cache(maxsize=20_000)
def strikes(zone: ZoneInfo, day: date, at: time) -> datetime:
    """Return when a wall-clock rule strikes: a skipped time by the offset before."""
    shown, wall = _clock(zone, day), datetime.combine(day, at)
    if wall in shown:
        return shown[wall]
    before = max(seen for seen in shown if seen < wall)
    return shown[before] + (wall - before)


def promises(world: World, day: date) -> Iterator[Promise]:
    """Yield the grid of a day: from opening on, window after window, until closing."""
    if world.is_emergency:
        opens = strikes(world.zone, day, time())
        closes = strikes(world.zone, day + DAY, time())
    elif day.weekday() in world.hours:
        opens, closes = (
            strikes(world.zone, day, at) for at in world.hours[day.weekday()]
        )
    else:
        return
    length = MINUTE if world.window is None else world.window * MINUTE
    step = QUARTER if world.window is None else length
    while opens < closes:
        yield Promise(opens, opens + length, day)
        opens += step


def promise_problems(world: World, promise: Promise) -> set[str]:
    """Return every reason for which nobody may promise this now."""
    found = set()
    if promise.day in world.holidays | world.company_holidays:
        found.add("holiday")
    today = world.now.astimezone(world.zone).date()
    if promise.day > today + world.horizon * DAY:
        found.add("horizon")
    if not any(is_early_enough(world, s) for s in starts_within(promise)):
        found.add("notice")
    return found


def starts_within(promise: Promise) -> Iterator[datetime]:
    start = promise.start
    while start < promise.end:
        yield start
        start += QUARTER


def is_early_enough(world: World, start: datetime) -> bool:
    return start >= world.now + world.notice * MINUTE


def offered(world: World, day: date) -> list[Promise]:
    """Return the promises of a day that somebody can keep."""
    return [
        promise
        for promise in promises(world, day)
        if not promise_problems(world, promise)
        and any(can_keep(world, member, promise) for member in world.crew)
    ]


def can_keep(world: World, member: Member, promise: Promise) -> bool:
    return any(
        is_early_enough(world, start)
        and not start_problems(world, member, start, day=promise.day)
        for start in starts_within(promise)
    )


def start_problems(
    world: World, member: Member, start: datetime, *, day: date
) -> set[str]:
    """Return every reason for which this technician cannot begin work then."""
    end = start + world.duration * MINUTE
    found = fitness_problems(world, member, day=day)
    if not any(
        shift.starts_at <= start and end <= shift.ends_at
        for shift in working_hours(world, member, around=day)
    ):
        found.add("off_shift")
    if any(away.starts_at < end and start < away.ends_at for away in member.absences):
        found.add("time_off")
    occupied = Span(start - world.before * MINUTE, end + world.after * MINUTE)
    if any(
        other.starts_at < occupied.ends_at and occupied.starts_at < other.ends_at
        for other in member.taken
    ):
        found.add("busy")
    return found


def fitness_problems(world: World, member: Member, *, day: date) -> set[str]:
    found = set()
    if not member.is_active:
        found.add("inactive")
    if world.needs_skill and (
        member.skilled_until is None or member.skilled_until < day
    ):
        found.add("no_skill")
    if member.zone == "there":
        found.add("out_of_zone")
    return found


def working_hours(world: World, member: Member, *, around: date) -> list[Span]:
    """Return the shifts at the branch that this service may use."""
    found = []
    for day in (around - 2 * DAY, around - DAY, around, around + DAY, around + 2 * DAY):
        for shift in _shifts_beginning_on(member, day):
            if shift.starts is None or shift.ends is None or shift.elsewhere:
                continue
            if shift.on_call and not world.is_emergency:
                continue
            last = day if shift.ends > shift.starts else day + DAY
            found.append(
                Span(
                    strikes(world.zone, day, shift.starts),
                    strikes(world.zone, last, shift.ends),
                )
            )
    return found


def _shifts_beginning_on(member: Member, day: date) -> list[Shift | DayException]:
    """Return the day's exceptions, or what the week brings where there are none."""
    instead = [row for row in member.exceptions if row.date == day]
    if instead:
        return [*instead]
    return [
        shift
        for shift in member.shifts
        if shift.weekday == day.weekday()
        and (shift.valid_from is None or shift.valid_from <= day)
        and (shift.valid_until is None or day <= shift.valid_until)
    ]

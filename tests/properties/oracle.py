"""A second opinion: the rules as written, computed the slow way.

Nothing of the application is used here. Wall times are found by walking through the
minutes of a day and looking at the clock; every start is tried on its own.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from tests.properties.worlds import (
    DAY,
    MINUTE,
    Cap,
    DayException,
    Member,
    Shift,
    Span,
    Spot,
    Stop,
    World,
)

QUARTER, HOUR = 15 * MINUTE, 60 * MINUTE
# One hundredth of a degree, along a street; see `roads`.
MINUTES_A_BLOCK = 4 * MINUTE


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
    if any(is_full(world, cap, promise.day) for cap in world.caps):
        found.add("cap")
    return found


def is_full(world: World, cap: Cap, day: date) -> bool:
    """Tell whether a cap that the customer's visit falls under has no place left."""
    if cap.of_our_service is False or cap.zone == "there":
        return False
    if cap.weekday is not None and cap.weekday != day.weekday():
        return False
    counted = [
        stop
        for member in world.crew
        for stop in member.taken
        if stop.starts_at.astimezone(world.zone).date() == day
        and (stop.of_our_service or cap.of_our_service is None)
        and is_live(world, stop)
    ]
    return len(counted) >= cap.most


def is_live(world: World, stop: Stop) -> bool:
    """Tell whether it still takes time: a hold does until it expires."""
    return stop.held_until is None or world.now < stop.held_until


def starts_within(promise: Promise) -> Iterator[datetime]:
    start = promise.start
    while start < promise.end:
        yield start
        start += QUARTER


def is_early_enough(world: World, start: datetime) -> bool:
    return start >= world.now + world.notice * MINUTE


def offered(world: World, day: date) -> list[Promise]:
    """Return the promises of a day for which there are hands enough."""
    return [
        promise
        for promise in promises(world, day)
        if not promise_problems(world, promise)
        and any(
            has_hands(world, start, day=promise.day)
            for start in starts_within(promise)
            if is_early_enough(world, start)
        )
    ]


def has_hands(world: World, start: datetime, *, day: date) -> bool:
    """Tell whether a whole crew could begin work then."""
    free = [
        member
        for member in world.crew
        if not start_problems(world, member, start, day=day)
    ]
    return len(free) >= world.crew_size


def start_problems(
    world: World, member: Member, start: datetime, *, day: date
) -> set[str]:
    """Return every reason for which this technician cannot begin work then."""
    found = fitness_problems(world, member, day=day)
    work = work_of(world, member, start)
    if world.splits and not work:
        found.add("off_shift")
    if not world.splits:
        found |= shift_problems(world, member, work[0], day=day)
    for part in work:
        found |= part_problems(world, member, part)
    return found


def work_of(world: World, member: Member, start: datetime) -> list[Span]:
    """Return the hours that the work takes when it begins then."""
    if world.splits:
        return parts(world, member, start)
    return [Span(start, start + world.duration * MINUTE)]


def shift_problems(world: World, member: Member, work: Span, *, day: date) -> set[str]:
    """Tell whether a shift holds the work, and the way from home and back."""
    home = way(world, member.home)
    shifts = working_hours(world, member, around=day)
    if not any(
        s.starts_at <= work.starts_at and work.ends_at <= s.ends_at for s in shifts
    ):
        return {"off_shift"}
    if not any(
        s.starts_at + home <= work.starts_at and work.ends_at + home <= s.ends_at
        for s in shifts
    ):
        return {"travel"}
    return set()


def parts(world: World, member: Member, start: datetime) -> list[Span]:
    """Return the work of each shift from the one that `start` lies in; none if short.

    The first part lasts an hour at least, and there are fourteen at most.
    """
    day, left = start.astimezone(world.zone).date(), world.duration * MINUTE
    shifts = sorted(
        working_hours(world, member, around=day, ahead=16), key=lambda s: s.starts_at
    )
    first = next((s for s in shifts if s.starts_at <= start < s.ends_at), None)
    if first is None or min(left, HOUR) > first.ends_at - start:
        return []
    found = []
    for shift in shifts[shifts.index(first) :][:14]:
        begin = max(start, shift.starts_at)
        found.append(Span(begin, min(begin + left, shift.ends_at)))
        left -= found[-1].ends_at - begin
        if not left:
            return found
    return []


def part_problems(world: World, member: Member, work: Span) -> set[str]:
    start, end = work.starts_at, work.ends_at
    found = calendar_problems(world, member, start, end)
    if any(away.starts_at < end and start < away.ends_at for away in member.absences):
        found.add("time_off")
    return found


def calendar_problems(
    world: World, member: Member, start: datetime, end: datetime
) -> set[str]:
    """Return what stands in the way in the technician's calendar, and on the road."""
    found = set()
    first, last = start - world.before * MINUTE, end + world.after * MINUTE
    live = [stop for stop in member.taken if is_live(world, stop)]
    for stop in live:
        if stop.starts_at < last and first < stop.ends_at:
            found.add("held" if stop.held_until else "busy")
    earlier = [stop for stop in live if stop.ends_at <= first]
    later = [stop for stop in live if last <= stop.starts_at]
    if earlier:
        before = max(earlier, key=lambda stop: stop.ends_at)
        if first < before.ends_at + way(world, before.spot):
            found.add("travel" if before.held_until is None else "held")
    if later:
        after = min(later, key=lambda stop: stop.starts_at)
        if after.starts_at < last + way(world, after.spot):
            found.add("travel" if after.held_until is None else "held")
    return found


def way(world: World, spot: Spot | None) -> timedelta:
    """Return how long it takes to the customer, who is in the middle of the map."""
    if spot is None or not world.has_roads:
        return timedelta()
    return sum(map(abs, spot)) * MINUTES_A_BLOCK


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


def working_hours(
    world: World, member: Member, *, around: date, ahead: int = 2
) -> list[Span]:
    """Return the shifts at the branch that this service may use."""
    found = []
    for day in (around + n * DAY for n in range(-2, ahead + 1)):
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

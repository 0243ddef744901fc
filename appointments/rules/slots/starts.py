"""When can this technician start? Fitness, calendar and travel (R4-R7).

`free_starts` is the one place where a calendar is read. Offers, bookings and moves
ask it for what is free; an explanation asks it again with one rule after the other
taken away.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import islice
from operator import itemgetter

from appointments.rules.slots.facts import (
    LEAST_PART,
    MOST_PARTS,
    Abilities,
    Override,
    Reason,
    Shift,
    Span,
    Stop,
    Wish,
    Worker,
)
from appointments.rules.slots.stops import NOWHERE
from core.travel import MOST_MINUTES, Place

# First and last minute, both included, at which work may start.
Starts = tuple[int, int]

_NEVER = -(2**62)
# Live stops do not overlap, so they are in the order of their ends too.
END = itemgetter(1)


def fitness_refusal(wish: Wish, worker: Abilities, day: date) -> Reason | None:
    """Return why the technician is not the one for it on that local day, or None."""
    if not worker.is_active:
        return Reason.INACTIVE
    if worker.id in wish.barred:
        return Reason.BARRED
    if Override.SKILL not in wish.overridden and not _is_skilled(wish, worker, day):
        return Reason.NO_SKILL
    if Override.ZONE in wish.overridden or not worker.zones:
        return None
    return None if wish.zone_id in worker.zones else Reason.OUT_OF_ZONE


def _is_skilled(wish: Wish, worker: Abilities, day: date) -> bool:
    for skill in wish.terms.skills:
        if skill not in worker.skills:
            return False
        valid_until = worker.skills[skill]
        if valid_until is not None and valid_until < day:
            return False
    return True


def free_starts(wish: Wish, worker: Worker) -> Iterator[Starts]:
    """Yield when this technician could start an unsplit visit, in order of time.

    The work lies inside one shift at the branch (R6) with the way from and to where
    the technician lives, outside of any absence, and apart from other visits by
    both buffers and the way between them (R4).
    """
    length = wish.terms.duration
    for shift in worker.shifts:
        if not serves(shift, wish):
            continue
        first, last = shift.start, shift.end - length
        if Override.OVERTIME in wish.overridden:
            last = shift.end - 1
        if worker.home is not None and wish.place is not None:
            first += wish.travel.minutes(worker.home, wish.place)
            last -= wish.travel.minutes(wish.place, worker.home)
        yield from free_between(wish, worker, first, last, length=length)


def serves(shift: Shift, wish: Wish) -> bool:
    """Tell whether the shift is at the branch and of the right kind."""
    if shift.location_id != wish.branch.id:
        return False
    return wish.terms.is_emergency or not shift.is_on_call


def free_between(
    wish: Wish, worker: Worker, first: int, last: int, *, length: int
) -> Iterator[Starts]:
    """Yield the starts within [first, last] of work that long, in order of time."""
    if first > last:
        return
    free = _between_stops(wish, worker.stops, first, last, length=length)
    if not worker.time_off:
        yield from free
        return
    for opens, closes in free:
        yield from _outside(worker.time_off, opens, closes, length=length)


def _between_stops(
    wish: Wish, stops: Sequence[Stop], first: int, last: int, *, length: int
) -> Iterator[Starts]:
    """Yield the starts that keep clear of other visits, buffers and ways included.

    The way is only asked for where there is room without it.
    """
    before, needed = wish.terms.before, length + wish.terms.after
    here, far = wish.place, last + needed + MOST_MINUTES
    cleared, left = _NEVER, None  # from when on, and from where the way begins
    nearest = bisect_right(stops, first - before - MOST_MINUTES, key=END)
    for start, end, latitude, longitude, _, _ in islice(stops, nearest, None):
        if start >= far:
            break
        there = None if latitude == NOWHERE else (latitude, longitude)
        closes = start - needed
        if closes >= first and closes >= cleared:
            opens = max(first, cleared + _way(wish, left, here))
            closes = min(last, closes - _way(wish, here, there))
            if opens <= closes:
                yield opens, closes
        cleared, left = end + before, there
        if cleared > last:
            return
    opens = max(first, cleared + _way(wish, left, here))
    if opens <= last:
        yield opens, last


def _way(wish: Wish, origin: Place | None, destination: Place | None) -> int:
    if origin is None or destination is None:
        return 0
    return wish.travel.minutes(origin, destination)


def _outside(
    absences: Sequence[Span], opens: int, closes: int, *, length: int
) -> Iterator[Starts]:
    """Yield what is left of [opens, closes] for work that touches no absence."""
    for away in absences:
        if away.end <= opens:
            continue
        if away.start - length >= closes:
            break
        if opens <= away.start - length:
            yield opens, away.start - length
        opens = max(opens, away.end)
    if opens <= closes:
        yield opens, closes


def parts_from(wish: Wish, worker: Worker, start: int) -> tuple[Span, ...] | None:
    """Return the days' work of a visit that begins then, or None where it cannot.

    Where the service splits, work goes on at the start of the next shift, as often
    as it takes; each part must be free in whole.
    """
    parts: list[Span] = []
    for part in islice(_parts(wish, worker, start), MOST_PARTS):
        begin, length = part.start, part.end - part.start
        if not any(free_between(wish, worker, begin, begin, length=length)):
            return None
        parts.append(part)
    done = sum(part.end - part.start for part in parts)
    if done < wish.terms.duration or parts[0].end - parts[0].start < min(
        wish.terms.duration, LEAST_PART
    ):
        return None
    return tuple(parts)


def _parts(wish: Wish, worker: Worker, start: int) -> Iterator[Span]:
    """Yield the work that each shift takes over, from one that `start` lies in.

    Every day begins and ends with the way from and to home.
    """
    left = wish.terms.duration
    out, back = _way(wish, worker.home, wish.place), _way(wish, wish.place, worker.home)
    for shift in worker.shifts:
        opens, closes = shift.start + out, shift.end - back
        if left == 0 or (opens > start and left == wish.terms.duration):
            return
        if not serves(shift, wish) or closes <= start:
            continue
        begin = max(opens, start)
        part = Span(begin, min(begin + left, closes))
        if part.start >= part.end:
            continue
        yield part
        left -= part.end - part.start
        start = part.end

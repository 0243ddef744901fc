"""The ways to keep a promise, the best first."""

from bisect import bisect_right
from datetime import date
from itertools import combinations, islice
from uuid import UUID

from appointments.rules.slots.facts import (
    GRID,
    Placement,
    Promise,
    Span,
    Stop,
    Wish,
    Worker,
    to_minute,
)
from appointments.rules.slots.keeping import common_start, lowest
from appointments.rules.slots.starts import END, parts_from
from appointments.rules.slots.stops import NOWHERE
from core.travel import Place
from core.walltime import day_bounds


def ways_to_keep(
    wish: Wish, promise: Promise, keepers: list[tuple[Worker, int]]
) -> list[Placement]:
    """Return the ways to keep the promise, the best first."""
    if wish.terms.crew_size > 1:
        return _crews(wish, promise, keepers)
    ways = [
        _placement(wish, [worker], promise, lowest(starts))
        for worker, starts in keepers
    ]
    return sorted(ways, key=lambda way: _rank(wish, way))


def _crews(
    wish: Wish, promise: Promise, keepers: list[tuple[Worker, int]]
) -> list[Placement]:
    """Return crews for the first start that has hands enough.

    The best single hands first; a few crews are enough to try.
    """
    number = common_start(wish, keepers)
    if number is None:
        return []
    free = [worker for worker, starts in keepers if starts >> number & 1]
    hands = sorted(
        free,
        key=lambda worker: _rank(wish, _placement(wish, [worker], promise, number)),
    )
    some = hands[: wish.terms.crew_size + _SPARE_HANDS]
    return [
        _placement(wish, list(crew), promise, number)
        for crew in combinations(some, wish.terms.crew_size)
        if _work_together(wish, crew, promise.start + number * GRID)
    ]


def _work_together(wish: Wish, crew: tuple[Worker, ...], start: int) -> bool:
    """Tell whether a visit that is split falls on the same hours for all of them."""
    if not wish.terms.splits:
        return True
    return len({parts_from(wish, worker, start) for worker in crew}) == 1


_SPARE_HANDS = 2


def _rank(wish: Wish, way: Placement) -> tuple[bool, int, int, int, tuple[UUID, ...]]:
    """Order ways: who is preferred, near, least busy; the rest is for order's sake."""
    preferred = way.technicians[0] in wish.preferred
    return not preferred, way.detour, way.load, way.start, way.technicians


def _placement(
    wish: Wish, crew: list[Worker], promise: Promise, number: int
) -> Placement:
    start = promise.start + number * GRID
    lead = crew[0]
    parts = (parts_from(wish, lead, start) if wish.terms.splits else None) or (
        Span(start, start + wish.terms.duration),
    )
    return Placement(
        technicians=tuple(worker.id for worker in crew),
        parts=parts,
        detour=sum(_detour(wish, worker, parts[0]) for worker in crew),
        load=sum(_load(wish, worker, promise.day) for worker in crew),
    )


def _detour(wish: Wish, worker: Worker, work: Span) -> int:
    """Return the minutes of travel that the visit adds to the technician's day."""
    here = wish.place
    if here is None:
        return 0
    stops, at = worker.stops, bisect_right(worker.stops, work.start, key=END)
    before = after = worker.home
    if at > 0 and work.start - stops[at - 1][1] < _SAME_DAY:
        before = _place_of(stops[at - 1])
    if at < len(stops) and stops[at][0] - work.end < _SAME_DAY:
        after = _place_of(stops[at])
    minutes = wish.travel.minutes
    added = minutes(before, here) if before else 0
    added += minutes(here, after) if after else 0
    return added - (minutes(before, after) if before and after else 0)


# Stops further apart belong to different days' work.
_SAME_DAY = 8 * 60


def _load(wish: Wish, worker: Worker, day: date) -> int:
    """Return how many minutes of that local day are taken already."""
    start, end = map(to_minute, day_bounds(day, zone=wish.branch.zone))
    taken = 0
    for stop in islice(worker.stops, bisect_right(worker.stops, start, key=END), None):
        if stop[0] >= end:
            break
        taken += min(stop[1], end) - max(stop[0], start)
    return taken


def _place_of(stop: Stop) -> Place | None:
    return None if stop[2] == NOWHERE else (stop[2], stop[3])

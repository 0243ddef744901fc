"""Both together: who can keep which promise, and why others cannot.

The starts of work within a promise are numbered by their quarter hours, and a set
of them is an integer, one bit each. So a crew's common starts are a bit operation.
"""

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from itertools import combinations, islice
from uuid import UUID

from appointments.rules.slots.facts import (
    EXACT_PROMISE,
    GRID,
    Placement,
    Promise,
    Reason,
    Span,
    Stop,
    Wish,
    Worker,
    to_minute,
    to_moment,
)
from appointments.rules.slots.promises import (
    is_capped,
    last_day,
    promise_refusal,
    promises_on,
    work_starts,
)
from appointments.rules.slots.starts import (
    END,
    fitness_refusal,
    free_starts,
    parts_from,
)
from appointments.rules.slots.stops import NOWHERE
from core.travel import Place
from core.walltime import day_bounds, local_date

Workers = Mapping[UUID, Worker]
# For each promise, by its number: who can keep it, and from which starts.
Keepers = list[list[tuple[Worker, int]]]


def offers(
    wish: Wish, workers: Workers, days: Iterable[date]
) -> Iterator[tuple[Promise, list[Placement]]]:
    """Yield each promise that can be kept, with the ways to keep it, best first."""
    promises = _open_promises(wish, days)
    for promise, keepers in zip(
        promises, _keepers(wish, workers, promises), strict=True
    ):
        ways = _ways(wish, promise, keepers)
        if ways:
            yield promise, ways


def offered(wish: Wish, workers: Workers, days: Iterable[date]) -> list[Promise]:
    """Return each promise that can be kept; by whom is not asked."""
    promises = _open_promises(wish, days)
    if wish.terms.crew_size > 1:
        found = zip(promises, _keepers(wish, workers, promises), strict=True)
        return [one for one, who in found if _common_start(wish, who) is not None]
    kept: set[Promise] = set()
    left = promises
    for worker in workers.values():
        if not left:
            break
        for keepers, promise in zip(
            _keepers(wish, {worker.id: worker}, left), left, strict=True
        ):
            if keepers:
                kept.add(promise)
        left = [promise for promise in left if promise not in kept]
    return [promise for promise in promises if promise in kept]


def placements(wish: Wish, workers: Workers, promise: Promise) -> list[Placement]:
    """Return every way to keep the promise, the best first.

    Preferred technicians first, then the shortest detour, then the least load.
    """
    if promise_refusal(wish, promise) is not None:
        return []
    (keepers,) = _keepers(wish, workers, [promise])
    return _ways(wish, promise, keepers)


def why_not(wish: Wish, worker: Worker, promise: Promise) -> Reason | None:
    """Return why this technician cannot keep the promise, or None; the closest miss.

    Where no start of the promise leaves the notice that the service wants, that is
    for the promise to say; this tells of the technician all the same.
    """
    if not work_starts(wish, promise):
        wish = replace(wish, is_settled=True)
    refusal = fitness_refusal(wish, worker, promise.day)
    if refusal is not None:
        return refusal
    if _starts(wish, worker, promise):
        return None
    for reason, eased_wish, eased in _eased(wish, worker):
        if _starts(eased_wish, eased, promise):
            return reason
    return Reason.OFF_SHIFT


def start_refusal(wish: Wish, worker: Worker, start: int) -> Reason | None:
    """Return why this technician cannot begin work at just that minute, or None."""
    day = local_date(to_moment(start), zone=wish.branch.zone)
    return why_not(wish, worker, Promise(start, start + EXACT_PROMISE, day))


def common_refusal(wish: Wish, workers: Workers, promise: Promise) -> Reason:
    """Return the one reason to name when no technician can keep the promise.

    The closest miss: where somebody is merely busy, that is what a caller can act on.
    """
    reasons = {why_not(wish, worker, promise) for worker in workers.values()}
    if None in reasons:  # a crew is short of hands
        return Reason.BUSY
    return next((r for r in _CLOSEST_FIRST if r in reasons), Reason.OFF_SHIFT)


_CLOSEST_FIRST = (
    Reason.HELD,
    Reason.TRAVEL,
    Reason.BUSY,
    Reason.TIME_OFF,
    Reason.OFF_SHIFT,
    Reason.OUT_OF_ZONE,
    Reason.BARRED,
    Reason.NO_SKILL,
    Reason.INACTIVE,
)


def _eased(wish: Wish, worker: Worker) -> Iterator[tuple[Reason, Wish, Worker]]:
    """Yield what each reason would leave, one rule after the other taken away."""
    firm = tuple(stop for stop in worker.stops if not stop[4])
    yield Reason.HELD, wish, replace(worker, stops=firm)
    nearby = replace(wish, place=None)
    yield Reason.TRAVEL, nearby, worker
    yield Reason.HELD, nearby, replace(worker, stops=firm)
    idle = replace(worker, stops=())
    yield Reason.BUSY, nearby, idle
    yield Reason.TIME_OFF, nearby, replace(idle, time_off=())


def _open_promises(wish: Wish, days: Iterable[date]) -> list[Promise]:
    """Return what may be promised on these days, capacity of technicians aside."""
    horizon = last_day(wish)
    return [
        promise
        for day in days
        if day <= horizon
        and day not in wish.branch.holidays
        and not is_capped(wish, day)
        for promise in promises_on(wish, day)
        if promise.end > wish.earliest
    ]


def _keepers(wish: Wish, workers: Workers, promises: list[Promise]) -> Keepers:
    """Return, for each of the promises, who can keep it and from which starts."""
    keepers: Keepers = [[] for _ in promises]
    if not promises:
        return keepers
    for worker in workers.values():
        until = _fit_until(wish, worker, promises)
        if until is None:
            continue
        for number, starts in _kept(wish, worker, promises):
            if promises[number].day <= until:
                keepers[number].append((worker, starts))
    return keepers


def _fit_until(wish: Wish, worker: Worker, promises: list[Promise]) -> date | None:
    """Return the last of the promises' days on which the technician is fit.

    Fitness only ever ends, with a certificate: who is fit on a day was so before.
    """
    last = promises[-1].day
    if fitness_refusal(wish, worker, last) is None:
        return last
    if fitness_refusal(wish, worker, promises[0].day) is not None:
        return None
    days = {promise.day for promise in promises}
    return max(day for day in days if fitness_refusal(wish, worker, day) is None)


def _starts(wish: Wish, worker: Worker, promise: Promise) -> int:
    """Return the starts from which the calendar of this technician lets it be kept."""
    return dict(_kept(wish, worker, [promise])).get(0, 0)


def _kept(
    wish: Wish, worker: Worker, promises: list[Promise]
) -> Iterable[tuple[int, int]]:
    """Return (number of the promise, set of starts) for those that can be kept."""
    if wish.terms.splits:
        return _kept_in_parts(wish, worker, promises)
    return _kept_at_once(wish, worker, promises)


def _kept_at_once(
    wish: Wish, worker: Worker, promises: list[Promise]
) -> Iterable[tuple[int, int]]:
    """Lay what is free over the promises; both are in order of time."""
    found: dict[int, int] = {}
    earliest, number, count = wish.earliest, 0, len(promises)
    if not promises:
        return ()
    around = Span(promises[0].start, promises[-1].end)
    for from_then, closes in free_starts(wish, worker, around):
        opens = max(from_then, earliest)
        while number < count and promises[number].end <= opens:
            number += 1
        at = number
        while at < count and promises[at].start <= closes:
            promise = promises[at]
            first = max(0, -(-(opens - promise.start) // GRID))
            last = (min(closes, promise.end - 1) - promise.start) // GRID
            if first <= last:
                found[at] = found.get(at, 0) | ((2 << (last - first)) - 1) << first
            at += 1
    return found.items()


def _kept_in_parts(
    wish: Wish, worker: Worker, promises: list[Promise]
) -> Iterator[tuple[int, int]]:
    for number, promise in enumerate(promises):
        starts = 0
        for start in work_starts(wish, promise):
            if parts_from(wish, worker, start) is not None:
                starts |= 1 << (start - promise.start) // GRID
        if starts:
            yield number, starts


def _common_start(wish: Wish, keepers: Collection[tuple[Worker, int]]) -> int | None:
    """Return the first start for which there are hands enough, by its number."""
    size = wish.terms.crew_size
    if len(keepers) < size:
        return None
    if size == 1:
        return min(_lowest(starts) for _, starts in keepers)
    every = 0
    for _, starts in keepers:
        every |= starts
    while every:
        number = _lowest(every)
        if sum(starts >> number & 1 for _, starts in keepers) >= size:
            return number
        every &= every - 1
    return None


def _lowest(starts: int) -> int:
    return (starts & -starts).bit_length() - 1


def _ways(
    wish: Wish, promise: Promise, keepers: list[tuple[Worker, int]]
) -> list[Placement]:
    """Return the ways to keep the promise, the best first."""
    if wish.terms.crew_size > 1:
        return _crews(wish, promise, keepers)
    ways = [
        _placement(wish, [worker], promise, _lowest(starts))
        for worker, starts in keepers
    ]
    return sorted(ways, key=lambda way: _rank(wish, way))


def _crews(
    wish: Wish, promise: Promise, keepers: list[tuple[Worker, int]]
) -> list[Placement]:
    """Return crews for the first start that has hands enough.

    The best single hands first; a few crews are enough to try.
    """
    number = _common_start(wish, keepers)
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

"""Which technicians can keep which promises, and from which starts.

The starts of work within a promise are numbered by their quarter hours, and a set
of them is an integer, one bit each. So a crew's common starts are a bit operation.
"""

from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from uuid import UUID

from appointments.rules.slots.facts import (
    GRID,
    Override,
    Promise,
    Terms,
    Wish,
    Worker,
)
from appointments.rules.slots.promises import work_starts
from appointments.rules.slots.starts import (
    Starts,
    fitness_refusal,
    free_starts,
    parts_from,
)
from core.travel import Place

Workers = Mapping[UUID, Worker]
# For each promise, by its number: who can keep it, and from which starts.
Keepers = list[list[tuple[Worker, int]]]


def keepers_of(wish: Wish, workers: Workers, promises: Sequence[Promise]) -> Keepers:
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


def _fit_until(wish: Wish, worker: Worker, promises: Sequence[Promise]) -> date | None:
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


def starts_of(wish: Wish, worker: Worker, promise: Promise) -> int:
    """Return the starts from which the calendar of this technician lets it be kept."""
    return dict(_kept(wish, worker, [promise])).get(0, 0)


def _kept(
    wish: Wish, worker: Worker, promises: Sequence[Promise]
) -> Iterable[tuple[int, int]]:
    """Return (number of the promise, set of starts) for those that can be kept."""
    if wish.terms.splits:
        return _kept_in_parts(wish, worker, promises)
    return _kept_at_once(wish, worker, promises)


def _kept_at_once(
    wish: Wish, worker: Worker, promises: Sequence[Promise]
) -> Iterable[tuple[int, int]]:
    """Lay what is free over the promises; both are in order of time."""
    found: dict[int, int] = {}
    earliest, number, count = wish.earliest, 0, len(promises)
    for from_then, closes in _free_starts(wish, worker):
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


@dataclass(frozen=True, slots=True)
class _Asked:
    """All that the free starts of a calendar depend on; the rest comes along."""

    fingerprint: Hashable
    terms: Terms
    branch_id: UUID
    place: Place | None
    overridden: frozenset[Override]
    wish: Wish = field(compare=False)
    worker: Worker = field(compare=False)


def _free_starts(wish: Wish, worker: Worker) -> Iterable[Starts]:
    """Return the free starts, from memory where the same was asked before.

    Only what PostgreSQL says to be the same calendar is: a fingerprint holds the
    packed days themselves, and the roster's version. A provider of travel times may
    answer otherwise each time, so with one nothing is remembered.
    """
    if worker.fingerprint is None or wish.travel.has_provider:
        return free_starts(wish, worker)
    return _remembered(
        _Asked(
            worker.fingerprint,
            wish.terms,
            wish.branch.id,
            wish.place,
            wish.overridden,
            wish,
            worker,
        )
    )


@lru_cache(maxsize=1_000)
def _remembered(asked: _Asked) -> tuple[Starts, ...]:
    return tuple(free_starts(asked.wish, asked.worker))


def _kept_in_parts(
    wish: Wish, worker: Worker, promises: Sequence[Promise]
) -> Iterator[tuple[int, int]]:
    for number, promise in enumerate(promises):
        starts = 0
        for start in work_starts(wish, promise):
            if parts_from(wish, worker, start) is not None:
                starts |= 1 << (start - promise.start) // GRID
        if starts:
            yield number, starts


def common_start(wish: Wish, keepers: Collection[tuple[Worker, int]]) -> int | None:
    """Return the first start for which there are hands enough, by its number."""
    size = wish.terms.crew_size
    if len(keepers) < size:
        return None
    if size == 1:
        return min(lowest(starts) for _, starts in keepers)
    every = 0
    for _, starts in keepers:
        every |= starts
    while every:
        number = lowest(every)
        if sum(starts >> number & 1 for _, starts in keepers) >= size:
            return number
        every &= every - 1
    return None


def lowest(starts: int) -> int:
    """Return the number of the first start of a set that is not empty."""
    return (starts & -starts).bit_length() - 1

"""What can be promised, and by whom: what a branch promises met with who is free."""

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from uuid import UUID

from appointments.rules.slots.facts import Override, Placement, Promise, Terms, Wish
from appointments.rules.slots.keeping import Workers, common_start, keepers_of
from appointments.rules.slots.promises import (
    is_capped,
    last_day,
    promise_refusal,
    promises_on,
)
from appointments.rules.slots.ways import ways_to_keep
from core.travel import Place


def offers(
    wish: Wish, workers: Workers, days: Iterable[date]
) -> Iterator[tuple[Promise, list[Placement]]]:
    """Yield each promise that can be kept, with the ways to keep it, best first."""
    promises = _open_promises(wish, days)
    for promise, keepers in zip(
        promises, keepers_of(wish, workers, promises), strict=True
    ):
        ways = ways_to_keep(wish, promise, keepers)
        if ways:
            yield promise, ways


def offered(wish: Wish, workers: Workers, days: Iterable[date]) -> Sequence[Promise]:
    """Return each promise that can be kept; by whom is not asked."""
    promises = tuple(_open_promises(wish, days))
    calendars = tuple(worker.fingerprint for worker in workers.values())
    if not promises or None in calendars or wish.travel.has_provider:
        return _kept(wish, workers, promises)
    asked = _Asked(
        promises,
        calendars,
        max(wish.earliest, promises[0].start),
        wish.terms,
        wish.branch.id,
        wish.zone_id,
        wish.place,
        wish.barred,
        wish.overridden,
        wish,
        workers,
    )
    return _remembered(asked)


@dataclass(frozen=True, slots=True)
class _Asked:
    """All that it depends on which promises can be kept; the rest comes along."""

    promises: tuple[Promise, ...]
    calendars: tuple[Hashable, ...]
    earliest: int
    terms: Terms
    branch_id: UUID
    zone_id: UUID | None
    place: Place | None
    barred: frozenset[UUID]
    overridden: frozenset[Override]
    wish: Wish = field(compare=False)
    workers: Workers = field(compare=False)


@lru_cache(maxsize=1_000)
def _remembered(asked: _Asked) -> tuple[Promise, ...]:
    """Return the same answer to the same question about the same calendars."""
    return tuple(_kept(asked.wish, asked.workers, asked.promises))


def _kept(
    wish: Wish, workers: Workers, promises: Sequence[Promise]
) -> Sequence[Promise]:
    if wish.terms.crew_size > 1:
        found = zip(promises, keepers_of(wish, workers, promises), strict=True)
        return [one for one, who in found if common_start(wish, who) is not None]
    kept: set[Promise] = set()
    left = promises
    for worker in workers.values():
        if not left:
            break
        for keepers, promise in zip(
            keepers_of(wish, {worker.id: worker}, left), left, strict=True
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
    (keepers,) = keepers_of(wish, workers, [promise])
    return ways_to_keep(wish, promise, keepers)


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

"""What can be promised, and by whom: what a branch promises met with who is free."""

from collections.abc import Iterable, Iterator
from datetime import date

from appointments.rules.slots.facts import Placement, Promise, Wish
from appointments.rules.slots.keeping import Workers, common_start, keepers_of
from appointments.rules.slots.promises import (
    is_capped,
    last_day,
    promise_refusal,
    promises_on,
)
from appointments.rules.slots.ways import ways_to_keep


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


def offered(wish: Wish, workers: Workers, days: Iterable[date]) -> list[Promise]:
    """Return each promise that can be kept; by whom is not asked."""
    promises = _open_promises(wish, days)
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

"""Why not? The closest miss, found by taking one rule after the other away."""

from collections.abc import Iterator
from dataclasses import replace

from appointments.rules.slots.facts import (
    EXACT_PROMISE,
    Promise,
    Reason,
    Wish,
    Worker,
    to_moment,
)
from appointments.rules.slots.keeping import Workers, starts_of
from appointments.rules.slots.promises import work_starts
from appointments.rules.slots.starts import fitness_refusal
from core.walltime import local_date


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
    if starts_of(wish, worker, promise):
        return None
    for reason, eased_wish, eased in _eased(wish, worker):
        if starts_of(eased_wish, eased, promise):
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

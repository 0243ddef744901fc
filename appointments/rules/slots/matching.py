"""Both together: who can keep which promise, and why others cannot."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from uuid import UUID

from appointments.rules.slots.facts import (
    Interval,
    Placement,
    Promise,
    Reason,
    Wish,
    Worker,
)
from appointments.rules.slots.promises import (
    promise_refusal,
    promises_on,
    work_starts,
)
from appointments.rules.slots.technicians import technician_refusal
from core.walltime import day_bounds, local_date


def placement(wish: Wish, worker: Worker, promise: Promise) -> Placement | None:
    """Return the earliest way in which this technician keeps the promise, or None."""
    for start in work_starts(wish, promise):
        if technician_refusal(wish, worker, start) is None:
            return Placement(
                technician_id=worker.id, start=start, load=_load(wish, worker, start)
            )
    return None


def why_not(wish: Wish, worker: Worker, promise: Promise) -> Reason | None:
    """Return why this technician cannot keep the promise, or None; the closest miss.

    Notice aside: that is for the promise to answer.
    """
    starts = work_starts(wish, promise, notice_too=False)
    reasons = {technician_refusal(wish, worker, start) for start in starts}
    if None in reasons:
        return None
    return next(reason for reason in _CLOSEST_FIRST if reason in reasons)


def placements(
    wish: Wish, workers: Mapping[UUID, Worker], promise: Promise
) -> list[Placement]:
    """Return every technician who can keep the promise, the least busy first."""
    if promise_refusal(wish, promise) is not None:
        return []
    found = (placement(wish, worker, promise) for worker in workers.values())
    return sorted(
        (way for way in found if way is not None),
        key=lambda way: (way.load, way.start, way.technician_id),
    )


def offers(
    wish: Wish, workers: Mapping[UUID, Worker], days: Iterator[date]
) -> Iterator[tuple[Promise, list[Placement]]]:
    """Yield each promise that somebody can keep, with the ways to keep it."""
    for day in days:
        span = _reach(wish, day)
        on_that_day = {id_: during(worker, span) for id_, worker in workers.items()}
        for promise in promises_on(wish, day):
            ways = placements(wish, on_that_day, promise)
            if ways:
                yield promise, ways


def during(worker: Worker, span: Interval) -> Worker:
    """Return the worker with a calendar cut down to what touches `span`."""
    return replace(
        worker,
        shifts=tuple(
            shift
            for shift in worker.shifts
            if shift.starts_at < span.end and span.start < shift.ends_at
        ),
        time_off=tuple(away for away in worker.time_off if away.overlaps(span)),
        busy=tuple(visit for visit in worker.busy if visit.overlaps(span)),
    )


def _reach(wish: Wish, day: date) -> Interval:
    """Return all that a visit promised for that local day can touch."""
    start, end = day_bounds(day, zone=wish.branch.zone)
    terms = wish.terms
    longest = (terms.window or timedelta()) + terms.duration + terms.after
    return Interval(start - terms.before, end + longest)


def common_refusal(
    wish: Wish, workers: Mapping[UUID, Worker], promise: Promise
) -> Reason:
    """Return the one reason to name when no technician can keep the promise.

    The closest miss: where somebody is merely busy, that is what a caller can act on.
    """
    reasons = {why_not(wish, worker, promise) for worker in workers.values()}
    return next((r for r in _CLOSEST_FIRST if r in reasons), Reason.OFF_SHIFT)


_CLOSEST_FIRST = (
    Reason.BUSY,
    Reason.TIME_OFF,
    Reason.OFF_SHIFT,
    Reason.OUT_OF_ZONE,
    Reason.NO_SKILL,
    Reason.INACTIVE,
)


def _load(wish: Wish, worker: Worker, start: datetime) -> timedelta:
    """Return how much of that local day is already taken."""
    day = Interval(
        *day_bounds(local_date(start, zone=wish.branch.zone), zone=wish.branch.zone)
    )
    taken = (
        min(visit.end, day.end) - max(visit.start, day.start)
        for visit in worker.busy
        if visit.overlaps(day)
    )
    return sum(taken, timedelta())

"""May it be promised? What a branch can promise, capacity aside."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from appointments.rules.slots.facts import (
    EXACT_PROMISE,
    GRID,
    Interval,
    Promise,
    Reason,
    Wish,
)
from core.walltime import day_bounds, local_date, recurring_instant


def promises_on(wish: Wish, day: date) -> Iterator[Promise]:
    """Yield what can be promised on a local day, capacity aside.

    Arrival windows (or exact starts) follow each other from the opening of the
    branch until it closes. Emergencies know no closing time.
    """
    opening = _opening(wish, day)
    if opening is None:
        return
    step = wish.terms.window or GRID
    length = wish.terms.window or EXACT_PROMISE
    start = opening.start
    while start < opening.end:
        yield Promise(start=start, end=start + length)
        start += step


def promise_at(wish: Wish, start: datetime) -> Promise | Reason:
    """Return the promise that begins at `start`, or why there is none."""
    day = local_date(start, zone=wish.branch.zone)
    if day in wish.branch.holidays:
        return Reason.HOLIDAY
    opening = _opening(wish, day)
    if opening is None or not opening.start <= start < opening.end:
        return Reason.CLOSED
    for promise in promises_on(wish, day):
        if promise.start == start:
            return promise
    return Reason.OFF_GRID


def promise_refusal(wish: Wish, promise: Promise) -> Reason | None:
    """Return why nobody may promise this now, or None."""
    zone = wish.branch.zone
    day = local_date(promise.start, zone=zone)
    if day in wish.branch.holidays:
        return Reason.HOLIDAY
    last_day = local_date(wish.now, zone=zone) + timedelta(wish.terms.horizon_days)
    if day > last_day:
        return Reason.HORIZON
    if not any(True for _ in work_starts(wish, promise)):
        return Reason.NOTICE
    return None


def work_starts(
    wish: Wish, promise: Promise, *, notice_too: bool = True
) -> Iterator[datetime]:
    """Yield the starts of work that keep the promise and the service's notice."""
    earliest = wish.now + wish.terms.notice
    start = promise.start
    while start < promise.end:
        if start >= earliest or not notice_too:
            yield start
        start += GRID


def _opening(wish: Wish, day: date) -> Interval | None:
    """Return when work may begin on a local day."""
    if wish.terms.is_emergency:
        return Interval(*day_bounds(day, zone=wish.branch.zone))
    hours = wish.branch.hours.get(day.weekday())
    if hours is None:
        return None
    opens, closes = hours
    return Interval(
        recurring_instant(day, opens, zone=wish.branch.zone),
        recurring_instant(day, closes, zone=wish.branch.zone),
    )

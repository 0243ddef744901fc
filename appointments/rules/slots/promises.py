"""May it be promised? What a branch can promise, capacity aside."""

from collections.abc import Iterator
from datetime import date, timedelta

from appointments.rules.slots.facts import (
    EXACT_PROMISE,
    GRID,
    Override,
    Promise,
    Reason,
    Span,
    Wish,
    to_minute,
    to_moment,
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
    for start in range(opening.start, opening.end, step):
        yield Promise(start, start + length, day)


def promise_at(wish: Wish, start: int) -> Promise | Reason:
    """Return the promise that begins at that minute, or why there is none.

    With the window overridden, one begins at any minute that is no holiday's.
    """
    day = local_date(to_moment(start), zone=wish.branch.zone)
    if day in wish.branch.holidays:
        return Reason.HOLIDAY
    found = next((p for p in promises_on(wish, day) if p.start == start), None)
    if found is not None:
        return found
    if Override.WINDOW in wish.overridden:
        return Promise(start, start + (wish.terms.window or EXACT_PROMISE), day)
    opening = _opening(wish, day)
    if opening is None or not opening.start <= start < opening.end:
        return Reason.CLOSED
    return Reason.OFF_GRID


def promise_refusal(wish: Wish, promise: Promise) -> Reason | None:
    """Return why nobody may promise this now, or None."""
    if promise.day in wish.branch.holidays:
        return Reason.HOLIDAY
    if promise.day > last_day(wish):
        return Reason.HORIZON
    if not work_starts(wish, promise):
        return Reason.NOTICE
    if is_capped(wish, promise.day):
        return Reason.CAP
    return None


def last_day(wish: Wish) -> date:
    """Return the last local day that may be promised now."""
    if wish.is_settled or Override.HORIZON in wish.overridden:
        return date.max
    today = local_date(wish.now, zone=wish.branch.zone)
    return today + timedelta(days=wish.terms.horizon_days)


def is_capped(wish: Wish, day: date) -> bool:
    """Tell whether one of the caps that the wish falls under is reached."""
    if wish.is_settled or Override.CAP in wish.overridden:
        return False
    return any(cap.is_reached_on(day) for cap in wish.caps)


def work_starts(wish: Wish, promise: Promise) -> range:
    """Return the starts of work that keep the promise and the service's notice."""
    late = max(0, wish.earliest - promise.start)
    first = promise.start + -(-late // GRID) * GRID
    return range(first, promise.end, GRID)


def _opening(wish: Wish, day: date) -> Span | None:
    """Return when work may begin on a local day, by the branch's wall clock."""
    zone = wish.branch.zone
    if wish.terms.is_emergency:
        opens_at, closes_at = day_bounds(day, zone=zone)
    else:
        hours = wish.branch.hours.get(day.weekday())
        if hours is None:
            return None
        opens_at, closes_at = (recurring_instant(day, at, zone=zone) for at in hours)
    return Span(to_minute(opens_at), to_minute(closes_at))

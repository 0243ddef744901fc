"""When to leave a vendor alone, and how to come back to it.

closed -> open      5 failures in a row, or half of 10 calls and more within 5 minutes
open -> half_open   after 30 s, then 60 s, ... 10 min: one call at a time tries it out
half_open -> closed after 3 successes; -> open again, for longer, after one failure
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

CLOSED, OPEN, HALF_OPEN = "closed", "open", "half_open"

IN_A_ROW = 5
FEWEST_CALLS = 10
BUCKET_SECONDS = 10
BUCKETS = 30
FIRST_OPEN_SECONDS = 30
LONGEST_OPEN_SECONDS = 600
SUCCESSES_TO_CLOSE = 3
# For so long after an outage, or as long as it was, the pace is held back.
RECOVERY = timedelta(seconds=60)
LONGEST_RECOVERY = timedelta(hours=1)

Bucket = tuple[int, int, int]
"""A bucket's number, calls, failures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What is known of a vendor. `normal_rate` are the calls per second before."""

    breaker: str = CLOSED
    window: tuple[Bucket, ...] = ()
    failures_in_row: int = 0
    successes_in_row: int = 0
    open_seconds: int = 0
    reopens_at: datetime | None = None
    failing_since: datetime | None = None
    normal_rate: float | None = None
    recovering_until: datetime | None = None

    @property
    def is_calm(self) -> bool:
        """Tell whether one more success would change nothing but the counts."""
        return self.breaker == CLOSED and self.failing_since is None


def wait(state: State, *, now: datetime) -> timedelta:
    """Return for how long nobody calls."""
    if state.breaker != OPEN or state.reopens_at is None:
        return timedelta(0)
    return max(timedelta(0), state.reopens_at - now)


def after_successes(
    state: State, *, now: datetime, calls: int = 1, is_probe: bool = False
) -> State:
    """Return the state after calls that went well.

    While the breaker is not closed only a probe says anything: others began before.
    """
    counted = replace(state, window=_counted(state.window, calls, 0, now=now))
    if state.breaker == CLOSED:
        return replace(counted, failures_in_row=0, failing_since=None)
    if not is_probe:
        return counted
    successes = state.successes_in_row + 1
    if successes < SUCCESSES_TO_CLOSE:
        return replace(counted, successes_in_row=successes, failures_in_row=0)
    return State(
        normal_rate=state.normal_rate, recovering_until=now + _recovery(state, now=now)
    )


def after_failure(state: State, *, now: datetime, is_probe: bool = False) -> State:
    """Return the state after a call that failed for the vendor's sake."""
    failed = replace(
        state,
        window=_counted(state.window, 1, 1, now=now),
        failures_in_row=state.failures_in_row + 1,
        successes_in_row=0,
        failing_since=state.failing_since or now,
    )
    if state.breaker == CLOSED:
        return _opened(failed, now=now) if _is_too_much(failed) else failed
    return _opened(failed, now=now) if is_probe else failed


def is_recovering(state: State, *, now: datetime) -> bool:
    """Tell whether the vendor is called gently: it was away a moment ago."""
    if state.breaker != CLOSED:
        return True
    return state.recovering_until is not None and now < state.recovering_until


def reopened(state: State, *, now: datetime) -> State:
    """Return an open breaker's state after somebody has found that it works again.

    The next call is a probe; nobody need wait for it any longer.
    """
    return replace(state, reopens_at=now) if state.breaker == OPEN else state


def normal_rate(window: Iterable[Bucket]) -> float:
    """Return the liveliest ten seconds of calls that went well, per second."""
    return max((calls - failures for _, calls, failures in window), default=0) / (
        BUCKET_SECONDS
    )


def _is_too_much(state: State) -> bool:
    calls = sum(bucket[1] for bucket in state.window)
    failures = sum(bucket[2] for bucket in state.window)
    return state.failures_in_row >= IN_A_ROW or (
        calls >= FEWEST_CALLS and failures * 2 >= calls
    )


def _opened(state: State, *, now: datetime) -> State:
    """Open the breaker, for twice as long as the last time."""
    if state.breaker == CLOSED:
        seconds, rate = FIRST_OPEN_SECONDS, normal_rate(state.window)
        # What a recovery lets through is not what is normal.
        if is_recovering(state, now=now):
            rate = state.normal_rate or rate
    else:
        seconds = min(LONGEST_OPEN_SECONDS, state.open_seconds * 2)
        rate = state.normal_rate or 0
    return replace(
        state,
        breaker=OPEN,
        open_seconds=seconds,
        reopens_at=now + timedelta(seconds=seconds),
        normal_rate=rate,
        recovering_until=None,
    )


def _recovery(state: State, *, now: datetime) -> timedelta:
    lasted = now - (state.failing_since or now)
    return min(max(RECOVERY, lasted), LONGEST_RECOVERY)


def _counted(
    window: Iterable[Bucket], calls: int, failures: int, *, now: datetime
) -> tuple[Bucket, ...]:
    """Return the window with some calls more, and without what is too old."""
    current = int(now.timestamp()) // BUCKET_SECONDS
    counts = {
        number: (called, failed)
        for number, called, failed in window
        if current - BUCKETS < number <= current
    }
    called, failed = counts.get(current, (0, 0))
    counts[current] = (called + calls, failed + failures)
    return tuple((number, *counts[number]) for number in sorted(counts))

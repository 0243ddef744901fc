"""What can come of a try to deliver, and when the next one follows."""

import random
from dataclasses import dataclass
from datetime import timedelta

from core.models import OutboxMessage
from core.models.outbox import AttemptOutcome, OutboxStatus

# Who is still at it prolongs its lease in time (core.outbox.holding).
LEASE = timedelta(seconds=15)
# Before the first try, before the second, ...; spread by a fifth either way, so that
# what failed together does not come back together.
RETRY_SECONDS = (
    *(0, 5, 30, 120, 600, 1800, 3600),
    *(7200, 14_400, 28_800, 43_200, 86_400, 86_400),
)
# Behind a breaker outages use up no tries: what failed there failed by chance, and may
# come again soon. Later tries are for what only this one message meets.
GUARDED_RETRY_SECONDS = (
    *(0, 1, 3, 6, 12, 30, 120, 600),
    *(1800, 7200, 14_400, 43_200, 86_400),
)
JITTER = 0.2
LONGEST_RETRY_AFTER = timedelta(hours=6)
_SHORT_WAIT = timedelta(seconds=2)
_WORTH_ANOTHER_TRY = (AttemptOutcome.RETRYABLE, AttemptOutcome.UNKNOWN)
_ENDS = {
    AttemptOutcome.OK: OutboxStatus.DELIVERED,
    AttemptOutcome.UNWANTED: OutboxStatus.CANCELLED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a try to deliver; `retry_after` is what the receiver asked for.

    One that `is_guarded` was made behind a breaker, which sits outages out.
    """

    kind: AttemptOutcome
    http_status: int | None = None
    error: str = ""
    response_excerpt: str = ""
    retry_after: timedelta | None = None
    is_guarded: bool = False


def retry_delay(
    *,
    attempts: int,
    retry_after: timedelta | None = None,
    jitter: float = 0,
    is_guarded: bool = False,
) -> timedelta:
    """Return how long to wait after the last of `attempts` tries.

    `jitter` lies in -1..1. What the receiver asked for may make it longer, up to six
    hours, and never shorter.
    """
    schedule = GUARDED_RETRY_SECONDS if is_guarded else RETRY_SECONDS
    seconds = schedule[min(attempts, len(schedule) - 1)]
    wait = timedelta(seconds=seconds * (1 + JITTER * jitter))
    if retry_after is None:
        return wait
    return max(wait, min(retry_after, LONGEST_RETRY_AFTER))


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What becomes of a message after a try."""

    status: OutboxStatus
    is_end: bool = False
    is_spent: bool = True
    """Whether the try counts."""
    wait: timedelta | None = None


def verdict(*, message: OutboxMessage, outcome: Outcome) -> Verdict:
    """Return what becomes of a message after a try."""
    if outcome.kind == AttemptOutcome.PARKED:
        return Verdict(status=OutboxStatus.PARKED, is_spent=False)
    if outcome.kind == AttemptOutcome.POSTPONED:
        wait = outcome.retry_after or _SHORT_WAIT
        return Verdict(status=OutboxStatus.PENDING, is_spent=False, wait=wait)
    may_try_again = message.attempts < message.max_attempts
    if outcome.kind in _WORTH_ANOTHER_TRY and may_try_again:
        wait = retry_delay(
            attempts=message.attempts,
            retry_after=outcome.retry_after,
            jitter=random.uniform(-1, 1),  # noqa: S311  # no secret
            is_guarded=outcome.is_guarded,
        )
        return Verdict(status=OutboxStatus.PENDING, wait=wait)
    return Verdict(status=_ENDS.get(outcome.kind, OutboxStatus.DEAD), is_end=True)


def storable(text: str, *, length: int) -> str:
    """Return a stranger's text as PostgreSQL takes it."""
    return text.replace("\0", "").encode(errors="replace").decode()[:length]

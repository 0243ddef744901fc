"""How much is still on its way, and how long things took."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from core.models import DeliveryAttempt, Event, OutboxMessage
from core.models.outbox import OPEN
from integrations.models import InboundEvent, PollCursor
from integrations.models.inbox import WAITING
from integrations.services.sync import poll_connection, reconcile_connection
from integrations.services.sync.reconciling import ROUND
from tests.chaos.survival import while_it_may_die

_LONG_AGO = timedelta(days=1)


def on_the_way() -> dict[str, int]:
    """Return how much waits, by where; {} if nothing does."""
    found = {"unknown": 1}
    with while_it_may_die():
        rows = {
            "events": Event.objects.filter(published_at=None, failed_at=None),
            "outbox": OutboxMessage.objects.filter(status__in=OPEN),
            "inbox": InboundEvent.objects.filter(state__in=WAITING),
        }
        found = {name: many.count() for name, many in rows.items()}
    return {name: count for name, count in found.items() if count}


def whole_round(connection_id: Any, *, idle: Callable[[], bool]) -> int:
    """Read all feeds and look at each visit, as beat has done after some hours.

    Returns how much was found that no callback had told.
    """
    before = _polled(connection_id)
    _let_turns_come(connection_id)
    poll_connection(
        connection_id=connection_id, now=timezone.now(), budget=timedelta(seconds=60)
    )
    while True:
        _let_turns_come(connection_id)
        reconcile_connection(connection_id=connection_id, now=timezone.now())
        cursor = PollCursor.objects.get(connection=connection_id, feed=ROUND)
        if not cursor.cursor:
            break
    idle()
    return _polled(connection_id) - before


def _let_turns_come(connection_id: Any) -> None:
    """Let the time have gone by after which a feed is read again."""
    rows = PollCursor.objects.filter(connection=connection_id)
    rows.update(polled_at=timezone.now() - _LONG_AGO)


def _polled(connection_id: Any) -> int:
    return InboundEvent.objects.filter(connection=connection_id, source="poll").count()


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How long something took, in seconds."""

    count: int
    p50: float
    p95: float
    longest: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> "Spread":
        ordered = sorted(seconds) or [0.0]
        last = len(ordered) - 1
        return cls(
            count=len(seconds),
            p50=ordered[round(last * 0.5)],
            p95=ordered[round(last * 0.95)],
            longest=ordered[-1],
        )


def told_to_vendor(*, since: float, until: float) -> Spread:
    """Return how long it took from the commit to the vendor's answer.

    What was superseded went out as part of a newer state, and what was called off had
    nothing to say.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT extract(epoch FROM finished_at - created_at)"
            " FROM core_outboxmessage WHERE kind = 'sync' AND status = 'delivered'"
            " AND created_at BETWEEN to_timestamp(%s) AND to_timestamp(%s)",
            [since, until],
        )
        return Spread.of([float(seconds) for (seconds,) in cursor.fetchall()])


def attempts() -> dict[str, int]:
    """Return how often anything was sent, by what came of it."""
    found: dict[str, int] = {}
    for outcome in DeliveryAttempt.objects.values_list("outcome", flat=True):
        found[outcome] = found.get(outcome, 0) + 1
    return found

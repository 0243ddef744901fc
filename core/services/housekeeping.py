"""Forget what has served its time, a little at a time."""

import time
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Model, Q, QuerySet
from django.utils.module_loading import import_string

from core.models import IdempotencyRecord, OutboxMessage
from core.models.outbox import OutboxStatus

SENT_KEPT_FOR = timedelta(days=30)
DEAD_KEPT_FOR = timedelta(days=90)
BATCH = 1000


def prune(*, now: datetime, budget: timedelta) -> int:
    """Delete what `HOUSEKEEPING` in the settings lists; return how many rows.

    In batches, so that no lock is held for long; what is left waits for the next
    round.
    """
    ends = time.monotonic() + budget.total_seconds()
    served = (import_string(path)(now) for path in settings.HOUSEKEEPING)
    return sum(_delete(rows, until=ends) for rows in served)


def finished_messages(now: datetime) -> QuerySet[OutboxMessage]:
    """Return messages whose end nobody asks about any more.

    Dead ones are kept longer: somebody may still want to replay them.
    """
    dead = Q(status=OutboxStatus.DEAD)
    return OutboxMessage.objects.filter(
        dead & Q(finished_at__lt=now - DEAD_KEPT_FOR)
        | ~dead & Q(finished_at__lt=now - SENT_KEPT_FOR)
    )


def spent_idempotency_keys(now: datetime) -> QuerySet[IdempotencyRecord]:
    """Return the records of keys that are free to be used again."""
    return IdempotencyRecord.objects.filter(expires_at__lt=now)


def _delete(rows: "QuerySet[Model]", *, until: float) -> int:
    gone = 0
    while time.monotonic() < until:
        batch = list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH])
        rows.filter(pk__in=batch).delete()
        gone += len(batch)
        if len(batch) < BATCH:
            break
    return gone

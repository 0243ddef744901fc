"""Forget what has served its time, a little at a time."""

import time
from datetime import timedelta

from django.db.models import Model, Q, QuerySet
from django.db.models.functions import Now

from core.models import IdempotencyRecord, OutboxMessage
from core.models.outbox import OutboxStatus

SENT_KEPT_FOR = timedelta(days=30)
DEAD_KEPT_FOR = timedelta(days=90)
BATCH = 1000


def prune(*, budget: timedelta) -> int:
    """Delete finished messages and spent idempotency keys; return how many rows.

    In batches, so that no lock is held for long; what is left waits for the next
    round. Dead messages are kept longer: somebody may still want to replay them.
    """
    dead = Q(status=OutboxStatus.DEAD)
    served = OutboxMessage.objects.filter(
        dead & Q(finished_at__lt=Now() - DEAD_KEPT_FOR)
        | ~dead & Q(finished_at__lt=Now() - SENT_KEPT_FOR)
    )
    spent = IdempotencyRecord.objects.filter(expires_at__lt=Now())
    ends = time.monotonic() + budget.total_seconds()
    return _delete(served, until=ends) + _delete(spent, until=ends)


def _delete(rows: "QuerySet[Model]", *, until: float) -> int:
    gone = 0
    while time.monotonic() < until:
        batch = list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH])
        rows.model._default_manager.filter(pk__in=batch).delete()
        gone += len(batch)
        if len(batch) < BATCH:
            break
    return gone

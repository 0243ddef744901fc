"""What people do with messages: send them again, or call them off."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models.functions import Now

from core.actors import Actor
from core.errors import Conflict, NotFound
from core.events import emit
from core.ids import uuid7
from core.models import OutboxMessage
from core.models.outbox import OPEN, OutboxQuerySet, OutboxStatus
from core.outbox import ring_for

AT_MOST = 10_000
# Beyond these the sweep rings.
_RING_AT_MOST = 100
# Each a little later than the one before.
_LET_GO = """
UPDATE core_outboxmessage
SET status = 'pending', hinted_at = NULL,
    next_attempt_at = statement_timestamp()
        + make_interval(secs => (place.number - 1) * %(seconds)s)
FROM unnest(%(ids)s::bigint[]) WITH ORDINALITY AS place(id, number)
WHERE core_outboxmessage.id = place.id
"""
REPLAYABLE = (OutboxStatus.DEAD, OutboxStatus.DELIVERED)


class NotReplayable(Conflict):
    """It was called off, or something newer was sent instead of it."""

    code = "not_replayable"
    title = "Cannot be sent again"


@transaction.atomic
def replay(*, key: UUID, actor: Actor, now: datetime) -> OutboxMessage:
    """Send a message again under its old key; one that waits already is left alone.

    Emits:
        delivery.replayed
    Raises:
        NotReplayable, NotFound
    """
    message = _locked(key)
    if message.status in OPEN:
        return message
    if message.status not in REPLAYABLE:
        raise NotReplayable(f"The message is {message.status}.", status=message.status)
    _send_again([message])
    emit(
        "delivery.replayed",
        of=("delivery", message.key),
        actor=actor,
        now=now,
        data={"kind": message.kind, "was": message.status},
    )
    message.refresh_from_db()
    return message


@transaction.atomic
def replay_many(
    *, messages: OutboxQuerySet, actor: Actor, now: datetime, asked: dict[str, Any]
) -> int:
    """Send the oldest of these messages again, 10,000 at most; return how many.

    Doing it twice sends them once: what waits already is left alone. `asked` tells
    the audit how they were chosen.

    Emits:
        deliveries.replayed
    """
    chosen = list(
        messages.filter(status__in=REPLAYABLE)
        .order_by("pk")
        .select_for_update(of=("self",))
        .select_related(None)
        .only("pk", "kind", "destination")[:AT_MOST]
    )
    if chosen:
        _send_again(chosen)
        emit(
            "deliveries.replayed",
            of=("delivery_batch", uuid7()),
            actor=actor,
            now=now,
            data={"count": len(chosen), "asked": asked},
        )
    return len(chosen)


@transaction.atomic
def cancel(*, key: UUID, actor: Actor, now: datetime, reason: str) -> OutboxMessage:
    """Call off a message that has not been sent; twice is as good as once.

    Emits:
        delivery.cancelled
    Raises:
        Conflict: it is being sent, or was.
        NotFound
    """
    message = _locked(key)
    if message.status == OutboxStatus.CANCELLED:
        return message
    if message.status not in {OutboxStatus.PENDING, OutboxStatus.PARKED}:
        raise Conflict(f"The message is {message.status}.", status=message.status)
    OutboxMessage.objects.filter(pk=message.pk).update(
        status=OutboxStatus.CANCELLED, finished_at=Now(), last_error=reason[:500]
    )
    emit(
        "delivery.cancelled",
        of=("delivery", message.key),
        actor=actor,
        now=now,
        reason=reason,
        data={"kind": message.kind},
    )
    message.refresh_from_db()
    return message


def park(*, destination: str, kind: str | None = None) -> int:
    """Hold back all that waits for a destination that was switched off."""
    return (
        _bound_for(destination, kind)
        .filter(status=OutboxStatus.PENDING)
        .update(status=OutboxStatus.PARKED)
    )


def unpark(
    *, destination: str, kind: str | None = None, per_second: float | None = None
) -> int:
    """Let go what was parked: its destination is back. The sweep rings, in order.

    With `per_second` the oldest go at once and the others follow at that pace.
    """
    parked = _bound_for(destination, kind).filter(status=OutboxStatus.PARKED)
    if per_second is None:
        return parked.update(
            status=OutboxStatus.PENDING, next_attempt_at=Now(), hinted_at=None
        )
    with transaction.atomic(), connection.cursor() as cursor:
        ids = list(
            parked.select_for_update().order_by("pk").values_list("pk", flat=True)
        )
        cursor.execute(_LET_GO, {"ids": ids, "seconds": 1 / per_second})
    return len(ids)


def call_off_all(*, destination: str, kind: str | None = None) -> int:
    """Call off all that waits for a destination that is gone for good."""
    return (
        _bound_for(destination, kind)
        .filter(status__in=[OutboxStatus.PENDING, OutboxStatus.PARKED])
        .update(status=OutboxStatus.CANCELLED, finished_at=Now())
    )


def _bound_for(destination: str, kind: str | None) -> OutboxQuerySet:
    bound = OutboxMessage.objects.filter(destination=destination)
    return bound if kind is None else bound.filter(kind=kind)


def _locked(key: UUID) -> OutboxMessage:
    message = OutboxMessage.objects.select_for_update().filter(key=key).first()
    if message is None:
        raise NotFound
    return message


def _send_again(messages: list[OutboxMessage]) -> None:
    """Begin a new chain of tries, under the old keys."""
    OutboxMessage.objects.filter(pk__in=[message.pk for message in messages]).update(
        status=OutboxStatus.PENDING,
        attempts=0,
        next_attempt_at=Now(),
        hinted_at=None,
        expires_at=None,
        finished_at=None,
    )
    for message in messages[:_RING_AT_MOST]:
        ring_for(message)

"""Write a message in the transaction of the change that it tells of."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from core.hints import ring
from core.models import Event, OutboxMessage
from core.request_log import current_request_id


def enqueue(
    *,
    kind: str,
    destination: str,
    of: tuple[str, uuid.UUID],
    payload: Mapping[str, Any],
    event: Event | None = None,
    coalesce: bool = False,
    expires_at: datetime | None = None,
) -> OutboxMessage:
    """Write a message about the thing `of` (its type and id) to `destination`.

    What a destination is told of one thing, it is told in order; with `coalesce` only
    the newest is sent. It hears of an event once per kind, however often a handler
    runs. After `expires_at` a message is not worth sending.

    Raises:
        RuntimeError: no transaction is open; the change and its message would not
            commit together.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError(f"enqueue({kind!r}) needs the transaction of its change.")
    if event is not None:
        known = event.messages.filter(kind=kind, destination=destination).first()
        if known is not None:
            return known
    message = OutboxMessage.objects.create(
        kind=kind,
        destination=destination,
        event=event,
        aggregate_type=of[0],
        aggregate_id=of[1],
        ordering_key=f"{kind}:{destination}:{of[1]}",
        coalesce=coalesce,
        payload=dict(payload),
        request_id=event.request_id if event else current_request_id(),
        expires_at=expires_at,
        hinted_at=Now(),
    )
    ring_for(message)
    return message


def ring_for(message: OutboxMessage) -> None:
    """Have a worker of this kind's queue send the message after the commit.

    Of many to one destination only the first are rung for: who comes for them takes
    the others along.
    """
    ring(
        "core.tasks.deliver",
        crowd=(message.destination, settings.OUTBOX_LEASES_PER_DESTINATION),
        queue=settings.OUTBOX_QUEUES.get(message.kind),
        message_id=message.pk,
    )

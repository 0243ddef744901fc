"""Write a message in the transaction of the change that it tells of."""

import json
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection

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
    if not connection.in_atomic_block:
        raise RuntimeError(f"enqueue({kind!r}) needs the transaction of its change.")
    message = OutboxMessage(
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
    )
    if not _write(message):
        return OutboxMessage.objects.get(
            event=event, kind=kind, destination=destination
        )
    ring_for(message)
    return message


# For each subscriber of each event: one statement, and not put together by the ORM
# each time. A destination that has been told of the event is not told again.
_WRITE = """
    INSERT INTO core_outboxmessage (
        key, kind, destination, event_id, aggregate_type, aggregate_id, ordering_key,
        coalesce, payload, request_id, expires_at, hinted_at
    )
    VALUES (
        %s, %s, %s, %s, %s, %s, %s, %s, %s::jsonb, %s, %s, statement_timestamp()
    )
    ON CONFLICT (event_id, kind, destination) WHERE event_id IS NOT NULL DO NOTHING
    RETURNING id
"""


def _write(message: OutboxMessage) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            _WRITE,
            [
                message.key,
                message.kind,
                message.destination,
                message.event_id,
                message.aggregate_type,
                message.aggregate_id,
                message.ordering_key,
                message.coalesce,
                json.dumps(message.payload),
                message.request_id,
                message.expires_at,
            ],
        )
        found = cursor.fetchone()
    if found:
        (message.pk,) = found
        message._state.adding, message._state.db = False, connection.alias
    return found is not None


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

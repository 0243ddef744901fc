"""Write what each subscriber is told of an event: one outbox row per endpoint."""

import json
from typing import Any
from uuid import UUID

from django.db import connection

from core.models import Event
from core.outbox import enqueue

KIND = "webhook"
# Standard Webhooks asks for payloads below 20 kB.
MOST_BYTES = 20_000


def tell_subscribers(*, event: Event) -> int:
    """Write the event down for each endpoint that listens; return for how many."""
    listening = _listening_to(event)
    if not listening:
        return 0
    payload = payload_of(event=event)
    for endpoint_id in listening:
        enqueue(
            kind=KIND,
            destination=str(endpoint_id),
            of=(event.aggregate_type, event.aggregate_id),
            payload=payload,
            event=event,
        )
    return len(listening)


# Asked for each event: no secrets are read, and the ORM does not put it together anew.
_LISTENING = """
    SELECT id FROM integrations_webhookendpoint
    WHERE is_active
    AND (event_names = '{}' OR event_names @> ARRAY[%s]::varchar[])
    AND (location_id IS NULL OR location_id = %s)
    ORDER BY id
"""


def _listening_to(event: Event) -> list[UUID]:
    """Return the active endpoints that asked for this event (or for all)."""
    with connection.cursor() as cursor:
        cursor.execute(_LISTENING, [event.name, event.location_id])
        return [endpoint_id for (endpoint_id,) in cursor.fetchall()]


def payload_of(*, event: Event) -> dict[str, Any]:
    """Return what a subscriber reads: `type`, `timestamp` and `data`.

    `data.event_number` counts the events of one thing without a gap, so a receiver
    knows which of two came first. What would be too long is left out, and said so.
    """
    about = {
        "id": str(event.aggregate_id),
        "object": event.aggregate_type,
        "event_number": event.number,
    }
    payload = {
        "type": event.name,
        "timestamp": event.occurred_at.isoformat(),
        "data": {**event.data, **about},
    }
    if len(body_of(payload)) >= MOST_BYTES:
        payload["data"] = {**about, "truncated": True}
    return payload


def body_of(payload: dict[str, Any]) -> bytes:
    """Return the very bytes that are signed and sent: the same on each try.

    The keys are sorted because the database does not keep their order.
    """
    return json.dumps(payload, separators=(",", ":"), sort_keys=True).encode()

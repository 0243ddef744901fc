"""Write what each subscriber is told of an event: one outbox row per endpoint."""

import json
from typing import Any

from core.models import Event
from core.outbox import enqueue
from integrations.models import WebhookEndpoint

KIND = "webhook"
# Standard Webhooks asks for payloads below 20 kB.
MOST_BYTES = 20_000


def tell_subscribers(*, event: Event) -> int:
    """Write the event down for each endpoint that listens; return for how many."""
    listening = WebhookEndpoint.objects.listening_to(
        event.name, location_id=event.location_id
    )
    payload = payload_of(event=event)
    endpoints = list(listening.order_by("pk"))
    for endpoint in endpoints:
        enqueue(
            kind=KIND,
            destination=str(endpoint.pk),
            of=(event.aggregate_type, event.aggregate_id),
            payload=payload,
            event=event,
        )
    return len(endpoints)


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

"""Messages and events for the tests of the machinery."""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from core.actors import SYSTEM
from core.events import emit
from core.ids import uuid7
from core.models import Event, OutboxMessage
from core.outbox import enqueue

THING = uuid7()


def tell(n: int = 1, *, of: UUID = THING, **given: Any) -> OutboxMessage:
    """Enqueue a message about a thing; `n` is its number in the payload."""
    fields: dict[str, Any] = {
        "kind": "test",
        "destination": "somebody",
        "payload": {"n": n},
    }
    with transaction.atomic():
        message = enqueue(of=("thing", of), **fields | given)
    message.refresh_from_db()
    return message


def happen(name: str = "thing.happened", *, of: UUID = THING, **given: Any) -> Event:
    """Emit an event of a thing."""
    fields: dict[str, Any] = {"actor": SYSTEM, "now": timezone.now()}
    with transaction.atomic():
        event = emit(name, of=("thing", of), **fields | given)
    event.refresh_from_db()
    return event

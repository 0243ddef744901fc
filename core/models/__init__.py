"""The company's frame, its events, and what waits to leave the house."""

from core.models.base import TimeStamped, Versioned
from core.models.company import Holiday, Location, OpeningHours, Zone, ZoneZip
from core.models.events import Event
from core.models.idempotency import IdempotencyRecord
from core.models.outbox import DeliveryAttempt, OutboxMessage

__all__ = [
    "DeliveryAttempt",
    "Event",
    "Holiday",
    "IdempotencyRecord",
    "Location",
    "OpeningHours",
    "OutboxMessage",
    "TimeStamped",
    "Versioned",
    "Zone",
    "ZoneZip",
]

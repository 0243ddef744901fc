"""Write down that a vendor has to hear of a thing: what exactly, is seen when sent."""

from uuid import UUID

from django.db.models import Q

from core.models import Event, OutboxMessage
from core.models.outbox import OutboxStatus
from core.outbox import enqueue
from integrations.connectors.registry import connector_of, offered_vendors
from integrations.models import Connection, ConnectionState, ExternalLink
from integrations.services.sync.records import knows

KIND = "sync"


def sync_to_vendors(*, event: Event) -> int:
    """Have each connection that serves the event's branch told of the thing.

    Returns how many. Their messages coalesce: only the newest state is sent. What
    belongs to no branch, as customers do, is told to the company's connections, and
    to those of a branch that know it already.
    """
    kind, object_id = _about(event)
    if not knows(kind):
        return 0
    serving = Q(location__isnull=True)
    if event.location_id is not None:
        serving |= Q(location=event.location_id)
    else:
        linked = ExternalLink.objects.filter(object_type=kind, object_id=object_id)
        serving |= Q(pk__in=linked.values("connection"))
    vendors = [
        vendor for vendor in offered_vendors() if kind in connector_of(vendor).kinds
    ]
    connections = list(Connection.objects.filter(serving, vendor__in=vendors))
    for connection in connections:
        tell(connection=connection, kind=kind, object_id=object_id, event=event)
    return len(connections)


def _about(event: Event) -> tuple[str, UUID]:
    """Return the thing of which there is news: of consent, whose it is."""
    if event.aggregate_type == "consent":
        for kind in ("customer", "lead"):
            if event.data[kind]:
                return kind, UUID(event.data[kind])
    return event.aggregate_type, event.aggregate_id


def tell(
    *, connection: Connection, kind: str, object_id: UUID, event: Event | None = None
) -> OutboxMessage:
    """Write the message; for a connection that is not active it is parked at once.

    Needs the transaction of the change.
    """
    message = enqueue(
        kind=KIND,
        destination=str(connection.pk),
        of=(kind, object_id),
        payload={},
        event=event,
        coalesce=True,
    )
    if connection.state != ConnectionState.ACTIVE:
        waiting = OutboxMessage.objects.filter(
            pk=message.pk, status=OutboxStatus.PENDING
        )
        waiting.update(status=OutboxStatus.PARKED)
    return message

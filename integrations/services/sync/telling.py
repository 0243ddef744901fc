"""Write down that a vendor has to hear of a thing: what exactly, is seen when sent."""

from uuid import UUID

from core.models import Event, OutboxMessage
from core.models.outbox import OutboxStatus
from core.outbox import enqueue
from integrations.connectors.registry import connector_of, is_offered
from integrations.models import Connection, ConnectionState
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
    serving = Connection.objects.raw(
        _SERVING, {"branch": event.location_id, "kind": kind, "object": object_id}
    )
    connections = [
        connection
        for connection in serving
        if is_offered(connection.vendor)
        and kind in connector_of(connection.vendor).kinds
    ]
    for connection in connections:
        tell(connection=connection, kind=kind, object_id=object_id, event=event)
    return len(connections)


# Asked for each event: no credentials are read, and the ORM does not put it together
# anew.
_SERVING = """
    SELECT id, vendor, state FROM integrations_connection
    WHERE location_id IS NULL
    OR location_id = %(branch)s
    OR (%(branch)s::uuid IS NULL AND id IN (
        SELECT connection_id FROM integrations_externallink
        WHERE object_type = %(kind)s AND object_id = %(object)s
    ))
"""


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

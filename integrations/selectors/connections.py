"""Connections, how they are doing, and what waits for them."""

import json
from uuid import UUID

from django.db.models import QuerySet

from core.actors import Actor
from core.models import OutboxMessage
from core.models.outbox import OutboxQuerySet
from integrations.models import Connection, FieldMapping
from integrations.models.connections import ConnectionQuerySet


def connections(*, actor: Actor) -> ConnectionQuerySet:
    """Return the connections that the actor may see, with their health."""
    return Connection.objects.visible_to(actor).select_related("health")


def mappings_of(connection_id: UUID) -> QuerySet[FieldMapping]:
    """Return which field is which at a vendor, by kind of thing."""
    return FieldMapping.objects.filter(connection=connection_id)


def messages_for(connection_id: UUID) -> OutboxQuerySet:
    """Return what went to a connection, or waits for it."""
    return OutboxMessage.objects.filter(destination=str(connection_id))


def credentials_set(connection: Connection) -> list[str]:
    """Return which credentials a connection has, by name; what they are is secret."""
    found: dict[str, str] = json.loads(connection.credentials or "{}")
    return sorted(name for name, value in found.items() if value)

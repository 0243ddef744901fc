"""What lost, and what could not be."""

from django.db.models import QuerySet

from core.actors import Actor
from integrations.models import Connection, SyncConflict


def conflicts(*, actor: Actor) -> QuerySet[SyncConflict]:
    """Return the conflicts of connections that the actor may see."""
    return SyncConflict.objects.filter(
        connection__in=Connection.objects.visible_to(actor)
    ).select_related("connection")

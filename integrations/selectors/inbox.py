"""What vendors told us."""

from django.db.models import QuerySet

from core.actors import Actor
from integrations.models import Connection, InboundEvent


def inbox_of(*, actor: Actor) -> QuerySet[InboundEvent]:
    """Return what came for the connections that the actor may see."""
    mine = Connection.objects.visible_to(actor)
    return InboundEvent.objects.select_related("connection").filter(connection__in=mine)

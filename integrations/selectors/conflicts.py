"""What lost, and what could not be."""

from django.db.models import QuerySet

from core.actors import Actor
from integrations.models import Connection, SyncConflict
from integrations.selectors.subjects import subject


def conflicts(*, actor: Actor) -> QuerySet[SyncConflict]:
    """Return the conflicts of connections that the actor may see, with `subject`."""
    rows = SyncConflict.objects.filter(
        connection__in=Connection.objects.visible_to(actor)
    )
    return rows.select_related("connection").annotate(subject=subject())

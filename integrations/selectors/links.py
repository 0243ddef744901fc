"""Which of theirs is which of ours."""

from django.db.models import QuerySet

from core.actors import Actor
from integrations.models import Connection, ExternalLink


def external_links(*, actor: Actor) -> QuerySet[ExternalLink]:
    """Return the links of connections that the actor may see; claims are none yet."""
    return (
        ExternalLink.objects.exclude(remote_id="")
        .filter(connection__in=Connection.objects.visible_to(actor))
        .select_related("connection")
    )

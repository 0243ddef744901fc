"""Which of theirs is which of ours."""

from django.db.models import QuerySet

from core.actors import Actor
from integrations.models import Connection, ExternalLink
from integrations.selectors.subjects import subject


def external_links(*, actor: Actor) -> QuerySet[ExternalLink]:
    """Return the links of connections that the actor may see, with `subject`.

    Claims are none yet.
    """
    rows = ExternalLink.objects.exclude(remote_id="").filter(
        connection__in=Connection.objects.visible_to(actor)
    )
    return rows.select_related("connection").annotate(subject=subject())

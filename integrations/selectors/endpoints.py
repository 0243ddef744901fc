"""Subscribers, and what is on its way to anybody."""

from functools import cache
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet

from core.actors import Actor
from core.models import OutboxMessage
from core.models.outbox import OutboxQuerySet
from integrations.models import WebhookEndpoint

_TELLS = "integrations.handlers.tell_subscribers"


@cache
def event_names() -> tuple[str, ...]:
    """Return the events that can be subscribed to."""
    return tuple(
        sorted(
            name for name, paths in settings.EVENT_HANDLERS.items() if _TELLS in paths
        )
    )


def endpoints(*, actor: Actor) -> QuerySet[WebhookEndpoint]:
    """Return the subscribers that the actor may see."""
    return WebhookEndpoint.objects.visible_to(actor)


def deliveries(*, actor: Actor) -> OutboxQuerySet:
    """Return all that left or waits to leave, with the event that it tells of.

    Who does not see every branch sees what goes to his branches' endpoints.
    """
    found = OutboxMessage.objects.select_related("event")
    if actor.sees_all_locations:
        return found
    own = [str(pk) for pk in endpoints(actor=actor).values_list("pk", flat=True)]
    return found.filter(destination__in=own)


def deliveries_to(*, endpoint_id: UUID, among: OutboxQuerySet) -> OutboxQuerySet:
    """Narrow deliveries to one subscriber."""
    return among.filter(kind="webhook", destination=str(endpoint_id))

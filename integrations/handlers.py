"""What subscribers hear of: all that they asked for."""

from core.models import Event
from integrations import services


def tell_subscribers(event: Event) -> None:
    """Write the event down for each endpoint that listens."""
    services.tell_subscribers(event=event)

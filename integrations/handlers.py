"""Who outside hears of what happened: subscribers, and the vendors we work with."""

from core.models import Event
from integrations import services
from integrations.services import maps, sync


def tell_subscribers(event: Event) -> None:
    """Write the event down for each endpoint that listens."""
    services.tell_subscribers(event=event)


def sync_to_vendors(event: Event) -> None:
    """Write down that each connection has to hear of the thing."""
    sync.sync_to_vendors(event=event)


def alert_admins(event: Event) -> None:
    """Mail the admins that something outside needs one of them."""
    services.alert_admins(event=event)


def locate_property(event: Event) -> None:
    """Write down that the map is to be asked where an address is."""
    maps.have_located(event=event)

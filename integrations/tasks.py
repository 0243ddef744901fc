"""What the beat asks for."""

from datetime import timedelta
from uuid import UUID

from celery import shared_task
from django.utils import timezone

from integrations import services
from integrations.services import deposits, maps, sync
from integrations.services.inbox import processing

# Below the soft time limit: what has begun is finished.
_BUDGET = timedelta(seconds=15)


@shared_task
def tend_endpoints() -> None:
    """Look after the subscribers."""
    services.tend_endpoints(now=timezone.now())


@shared_task
def process_inbound(*, event_id: int) -> None:
    """Take in what a vendor said, and what waits behind it."""
    processing.process_inbound(event_id=event_id, now=timezone.now())


@shared_task
def sweep_inbox() -> None:
    """Ring for what waits in the inbox, and was forgotten."""
    processing.sweep_inbox()


@shared_task
def tend_connections() -> None:
    """Look after the connections."""
    services.tend_connections(now=timezone.now())


@shared_task
def poll_connections() -> None:
    """Ring for each connection that can be asked what is new."""
    sync.poll_connections()


@shared_task
def poll_connection(*, connection_id: str) -> None:
    """Ask one vendor what is new."""
    sync.poll_connection(
        connection_id=UUID(connection_id), now=timezone.now(), budget=_BUDGET
    )


@shared_task
def reconcile_connections() -> None:
    """Ring for each connection whose visits are to be looked at."""
    sync.reconcile_connections()


@shared_task
def reconcile_connection(*, connection_id: str) -> None:
    """Look at the next few visits of one connection."""
    sync.reconcile_connection(connection_id=UUID(connection_id), now=timezone.now())


@shared_task
def fetch_ways() -> None:
    """Ask how long the ways take that somebody wanted to know."""
    maps.fetch_ways(now=timezone.now())


@shared_task
def refresh_locations() -> None:
    """Let go of coordinates that may be kept no longer."""
    maps.refresh_locations(now=timezone.now())


@shared_task
def tend_deposits() -> None:
    """Close the pages of deposits that nobody is to pay any more."""
    deposits.tend_deposits(now=timezone.now())

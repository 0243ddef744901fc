"""What the beat asks for."""

from celery import shared_task
from django.utils import timezone

from integrations import services


@shared_task
def tend_endpoints() -> None:
    """Look after the subscribers."""
    services.tend_endpoints(now=timezone.now())


@shared_task
def tend_connections() -> None:
    """Look after the connections."""
    services.tend_connections(now=timezone.now())

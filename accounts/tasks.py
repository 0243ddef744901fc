"""Work of the worker: forget what has served its time."""

from celery import shared_task
from django.utils import timezone

from accounts import services


@shared_task
def prune() -> None:
    """Delete spent tokens, ended sessions and old counters; again changes nothing."""
    services.prune(now=timezone.now())

"""What a hint or the beat asks a worker to do. Ids come in, one service is called."""

from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from core import services
from core.hints import heard
from core.outbox import keep_leases

# Well below the soft time limit: an event that has begun is finished.
_BUDGET = timedelta(seconds=15)
# A try that has begun may take 20 seconds more; then others have waited long enough.
_DELIVERING = timedelta(seconds=5)


@shared_task
def publish_events() -> None:
    """Tell those who listen of all that happened."""
    heard("core.tasks.publish_events")
    services.publish_waiting(budget=_BUDGET)


@shared_task
def deliver(*, message_id: int) -> None:
    """Send a message, and for a while what else waits for its destination.

    For one that is not due, or not its turn, do nothing.
    """
    keep_leases()
    services.deliver(message_id=message_id, now=timezone.now(), budget=_DELIVERING)


@shared_task
def sweep_outbox() -> None:
    """Ring for messages that a lost hint left behind."""
    services.sweep()


@shared_task
def prune() -> None:
    """Forget what has served its time."""
    services.prune(now=timezone.now(), budget=_BUDGET)

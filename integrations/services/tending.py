"""What endpoints need from time to time."""

from datetime import datetime

from django.db.models import F

from core.models import OutboxMessage
from core.models.outbox import OutboxStatus
from core.services import unpark
from integrations.models import WebhookEndpoint
from integrations.services.fanout import KIND


def tend_endpoints(*, now: datetime) -> None:
    """Forget secrets that were replaced, and let go what should not be parked."""
    WebhookEndpoint.objects.filter(previous_secret_until__lte=now).update(
        previous_secret="", previous_secret_until=None, version=F("version") + 1
    )
    # A try that began before its endpoint was switched on again may park its message
    # after that.
    parked = OutboxMessage.objects.filter(kind=KIND, status=OutboxStatus.PARKED)
    names = set(parked.values_list("destination", flat=True).distinct())
    for endpoint in WebhookEndpoint.objects.filter(pk__in=names, is_active=True):
        unpark(kind=KIND, destination=str(endpoint.pk))

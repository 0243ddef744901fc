"""What leaves the house: the latest news to customers, and one subscriber."""

from datetime import datetime, timedelta

from django.conf import settings
from django.utils.module_loading import import_string

from appointments.models import Appointment
from core.actors import SYSTEM
from core.models import Event
from integrations.services import create_endpoint

_LATEST = timedelta(hours=30)
_AT_MOST = 40


def subscribe_sandbox(*, now: datetime) -> None:
    """Subscribe the sandbox receiver to all events, where it may be called."""
    if settings.WEBHOOK_ALLOW_PRIVATE_TARGETS:
        create_endpoint(
            url=f"{settings.SANDBOX_URL}/webhooks",
            secret=settings.SANDBOX_SECRET,
            description="The sandbox receiver on this machine",
            actor=SYSTEM,
            now=now,
        )


def latest_news(*, now: datetime) -> list[Event]:
    """Return the last step of the visits that changed of late, the newest first.

    It is still true, so its message will not be held back.
    """
    recent = Appointment.objects.filter(updated_at__gt=now - _LATEST)
    last_steps = Event.objects.filter(
        aggregate_type="appointment",
        aggregate_id__in=recent.values("pk"),
        name__in=settings.EVENT_HANDLERS,
    )
    versions = dict(recent.values_list("pk", "version"))
    newest = last_steps.order_by("-occurred_at", "-id")
    return [event for event in newest if event.number == versions[event.aggregate_id]][
        :_AT_MOST
    ]


def tell_customers(event: Event) -> None:
    """Write the messages that this event is worth; the worker sends them.

    Subscribers have heard of it already, as far as the demo goes.
    """
    for handler in settings.EVENT_HANDLERS[event.name]:
        if handler.startswith("notifications."):
            import_string(handler)(event)

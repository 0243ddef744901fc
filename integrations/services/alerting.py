"""Mail the admins when something outside needs one of them.

The mail goes out by another way than what has failed, and through the outbox like
everything else: to each admin once per event.
"""

from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.template.loader import render_to_string
from django.utils.module_loading import import_string

from accounts.models import User
from core.actors import Role
from core.models import Event, OutboxMessage
from core.models.outbox import AttemptOutcome
from core.outbox import Outcome, enqueue
from notifications.channels import Message, Provider, Rejected, Unreachable

KIND = "alert"
# After so long somebody has seen it in the admin.
_WORTH_TELLING_FOR = timedelta(days=3)


def alert_admins(*, event: Event) -> int:
    """Write a mail to each admin; return to how many."""
    admins = User.objects.filter(role=Role.ADMIN, is_active=True).order_by("pk")
    payload = _payload_of(event)
    for admin in admins:
        enqueue(
            kind=KIND,
            destination=str(admin.pk),
            of=(event.aggregate_type, event.aggregate_id),
            payload=payload,
            event=event,
            expires_at=event.occurred_at + _WORTH_TELLING_FOR,
        )
    return len(admins)


def deliver_alert(message: OutboxMessage, *, now: datetime) -> Outcome:
    """Send the mail, if whom it goes to still is an admin."""
    admins = User.objects.filter(role=Role.ADMIN, is_active=True)
    admin = admins.filter(pk=message.destination).first()
    if admin is None:
        return Outcome(kind=AttemptOutcome.UNWANTED, error="No admin any more.")
    provider: Provider = import_string(settings.NOTIFICATION_PROVIDERS["email"])()
    try:
        provider.send(
            Message(
                key=str(message.key),
                recipient=admin.email,
                subject=message.payload["subject"],
                body=message.payload["body"],
            ),
            now=now,
        )
    except Rejected as refusal:
        return Outcome(kind=AttemptOutcome.REJECTED, error=str(refusal))
    except Unreachable as error:
        return Outcome(kind=AttemptOutcome.RETRYABLE, error=str(error))
    return Outcome(kind=AttemptOutcome.OK)


def _payload_of(event: Event) -> dict[str, str]:
    """Return subject and body: the template's first line, and the rest."""
    name = event.data.get("name") or urlsplit(event.data.get("url", "")).hostname or ""
    text = render_to_string(
        f"integrations/alerts/{event.name}.txt",
        {"name": name, "reason": event.reason, "at": event.occurred_at, **event.data},
    )
    subject, _, body = text.strip().partition("\n")
    return {"subject": " ".join(subject.split())[:200], "body": body.strip() + "\n"}

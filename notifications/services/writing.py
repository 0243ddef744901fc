"""Write what a customer is told of an event: one row per channel."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.template.loader import render_to_string

from appointments.models import Appointment
from core.models import Event
from core.outbox import enqueue
from notifications import selectors
from notifications.models import Channel, Notification
from notifications.rules.relevance import Kind
from notifications.rules.wording import arrival_text
from technicians.models import Technician

_NOBODY_TO_TELL = (
    "The customer has neither e-mail nor mobile phone, or wants no messages."
)
# How long the news is worth telling; of a visit to come, until its window has passed.
_NEWS_FOR = {Kind.ON_THE_WAY: timedelta(hours=2), Kind.THANKS: timedelta(days=2)}


def write_messages(*, event: Event, kind: Kind) -> list[Notification]:
    """Write a message per channel on which the customer can be reached.

    Where there is none, one row says so. An event heard twice is told once. The
    caller's transaction holds the event's row.
    """
    visit = selectors.appointment_to_tell_of(appointment_id=event.aggregate_id)
    recipients = selectors.recipients_of(customer_id=visit.customer_id)
    context = _context(visit, event)
    written = []
    for channel, recipient in (recipients or {Channel.EMAIL: ""}).items():
        message, is_new = Notification.objects.get_or_create(
            key=f"{event.pk}:{channel}",
            defaults={
                "appointment": visit,
                "customer": visit.customer,
                "event_name": event.name,
                "kind": kind,
                "channel": channel,
                "recipient": recipient,
                "suppressed_because": "" if recipient else _NOBODY_TO_TELL,
                **_texts(kind, channel, context),
            },
        )
        if is_new and recipient:
            _post(message, event=event)
        written.append(message)
    return written


def _post(message: Notification, *, event: Event) -> None:
    """Put a message on its way."""
    message.delivery = enqueue(
        kind=message.channel,
        destination=str(message.customer_id),
        of=("appointment", message.appointment_id),
        payload={"notification": str(message.pk)},
        event=event,
        expires_at=_worth_until(message, event),
    )
    message.save(update_fields=["delivery", "updated_at"])


def _worth_until(message: Notification, event: Event) -> datetime:
    news = _NEWS_FOR.get(Kind(message.kind))
    if news is not None:
        return event.occurred_at + news
    return datetime.fromisoformat(event.data["window_ends_at"])


def _texts(kind: Kind, channel: Channel, context: dict[str, Any]) -> dict[str, str]:
    """Return subject and body; an SMS has no subject and is one line."""
    body = render_to_string(f"notifications/{kind}.{channel}.txt", context)
    if channel is Channel.SMS:
        return {"subject": "", "body": " ".join(body.split())}
    # The first line of an e-mail's template is its subject.
    subject, _, text = body.strip().partition("\n")
    return {"subject": " ".join(subject.split())[:200], "body": text.strip() + "\n"}


def _context(visit: Appointment, event: Event) -> dict[str, Any]:
    """Return what templates speak of: the visit as it was when the event happened."""
    return {
        "customer": visit.customer.name,
        "service": visit.service.name,
        "when": _promise(event.data),
        "when_before": _promise(event.data.get("previous", {})),
        "address": f"{visit.property.line1}, {visit.property.city}",
        "technician": _first_name(event.data.get("technicians", [])),
        "reference": visit.reference,
        "branch": visit.location.name,
        "phone": visit.location.phone,
        "reason": event.reason,
    }


def _promise(data: dict[str, Any]) -> str:
    """Return the window in an event's data, in words; the data has local times."""
    if "window_starts_at" not in data:
        return ""
    zone = ZoneInfo(data["time_zone"])
    starts_at, ends_at = (
        datetime.fromisoformat(data[name]).astimezone(zone)
        for name in ("window_starts_at", "window_ends_at")
    )
    return arrival_text(starts_at, ends_at)


def _first_name(technician_ids: list[str]) -> str:
    """Return the first name of who comes first, or "" where nobody is on it yet."""
    if not technician_ids:
        return ""
    lead = Technician.objects.filter(pk=UUID(technician_ids[0])).first()
    return lead.name.split()[0] if lead else ""

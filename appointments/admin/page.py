"""What a visit's page shows."""

from datetime import datetime
from typing import Any

from django.urls import reverse

from appointments.admin import looks
from appointments.admin.history import steps_of
from appointments.models import Appointment
from appointments.rules.states import Step
from core.admin.contacts import CHANNELS, email_link, phone_link
from core.admin.display import (
    Tone,
    badge,
    length_text,
    map_url,
    moment_text,
    money_text,
    window_text,
)
from core.admin.outbox import delivery_badge
from core.models import OutboxMessage
from leads.models import ContactKind

_MOST = 50  # of messages and deliveries; the lists have the rest


def facts_of(visit: Appointment, *, now: datetime) -> dict[str, Any]:
    """Return the page's content; the same few queries for every visit."""
    zone = visit.location.time_zone
    place = visit.property
    at = None
    if place.latitude is not None and place.longitude is not None:
        at = (place.latitude, place.longitude)
    address = looks.address_line(place)
    minutes = int((visit.ends_at - visit.starts_at).total_seconds()) // 60
    return {
        "visit": visit,
        "status": looks.status_badges(visit, now=now),
        "promise": window_text(visit.window_starts_at, visit.window_ends_at, zone=zone),
        "plan": window_text(visit.starts_at, visit.ends_at, zone=zone),
        "length": length_text(minutes),
        "price": money_text(visit.price_cents, currency=visit.currency),
        "address": address,
        "map_url": map_url(address, at=at),
        "crew": [(row, _step(row)) for row in visit.crew],  # type: ignore[attr-defined]  # prefetched
        "contacts": [_contact(row) for row in visit.customer.contact_methods.all()],
        "customer_url": reverse(
            "admin:leads_customer_change", args=[visit.customer_id]
        ),
        "history": steps_of(visit),
        "messages_sent": _messages(visit),
        "deliveries": _deliveries(visit),
    }


def _step(row: Any) -> Any:
    step = Step(row.status)
    return badge(looks.words(step), looks.STEP_TONES[step])


def _contact(row: Any) -> Any:
    is_phone = row.kind == ContactKind.PHONE
    return phone_link(row.value) if is_phone else email_link(row.value)


def _messages(visit: Appointment) -> list[dict[str, Any]]:
    """Return what the customer was told; the rows are those of an app above us."""
    zone = visit.location.time_zone
    rows = visit.notifications.select_related("delivery").order_by("-created_at")
    return [
        {
            "message": row,
            "by": CHANNELS.get(row.channel, row.channel),
            "state": _message_state(row),
            "when": moment_text(row.sent_at or row.created_at, zone=zone),
        }
        for row in rows[:_MOST]
    ]


def _message_state(row: Any) -> Any:
    if row.sent_at:
        return badge("Delivered", Tone.ACTIVE)
    if row.suppressed_because:
        return badge("Not sent", Tone.WAITING)
    return delivery_badge(row.delivery) if row.delivery else badge("Failed", Tone.ALERT)


def _deliveries(visit: Appointment) -> list[dict[str, Any]]:
    """Return what other systems were told, with each try."""
    zone = visit.location.time_zone
    rows = (
        OutboxMessage.objects.filter(aggregate_id=visit.pk, notification=None)
        .select_related("event")
        .prefetch_related("delivery_attempts")
        .order_by("-pk")
    )
    return [
        {
            "message": row,
            "state": delivery_badge(row),
            "when": moment_text(row.finished_at or row.created_at, zone=zone),
            "tries": sorted(row.delivery_attempts.all(), key=lambda one: one.number),
        }
        for row in rows[:_MOST]
    ]

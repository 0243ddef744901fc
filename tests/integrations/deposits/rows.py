"""Deposits as rows, for tests that do not ask Stripe for them."""

from typing import Any

from django.utils import timezone

from appointments.models import Appointment
from appointments.selectors.holds import hash_of
from core.ids import uuid7
from integrations.models import Connection, Deposit, DepositState
from tests.integrations.inbox.callers import make_connection


def make_deposit(
    *, visit: Appointment, connection: Connection | None = None, **given: Any
) -> Deposit:
    """Make the deposit that a visit was booked with; its token is named after it."""
    key, now = uuid7(), timezone.now()
    fields: dict[str, Any] = {
        "hold": uuid7(),
        "token_hash": hash_of(f"token of {key}"),
        "service": visit.service,
        "starts_at": visit.window_starts_at,
        "property": visit.property,
        "appointment": visit,
        "amount_cents": 5000,
        "received_cents": 5000,
        "currency": "USD",
        "is_live": False,
        "state": DepositState.PAID,
        "session_id": f"cs_test_{key}",
        "intent_id": f"pi_{key}",
        "success_url": "https://example.com/thanks",
        "expires_at": now,
        "paid_at": now,
        "source": "website",
    }
    return Deposit.objects.create(
        pk=key,
        location=visit.location,
        connection=connection or make_connection("stripe"),
        **fields | given,
    )

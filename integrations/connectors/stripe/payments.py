"""Ask for a deposit on a page of Stripe's, close that page, and give money back."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from integrations.connectors.port import Caller
from integrations.connectors.stripe import reading, wire
from integrations.rules.refusals import CallFailed, Refused
from integrations.rules.things import Remote

# Stripe closes no page sooner, and none later.
SHORTEST, LONGEST = timedelta(minutes=30), timedelta(hours=24)
_NOT_FOUND = 404
_PAGE = 100
_PAGES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What a customer is to pay, and what the page tells of it.

    Under the same `key` it is one page, however often it is asked for; `notes` come
    back with each callback.
    """

    key: str
    reference: str
    name: str
    amount: int
    currency: str
    success_url: str
    cancel_url: str
    expires_at: datetime
    email: str = ""
    notes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutPage:
    """The page that was opened."""

    id: str
    url: str
    expires_at: datetime | None


def open_page(call: Caller, ask: Ask) -> CheckoutPage:
    """Open a page on which the customer pays.

    Raises:
        CallFailed: Busy or NoAnswer where there may be one now; ask again.
    """
    line = {
        "quantity": 1,
        "price_data": {
            "currency": ask.currency.lower(),
            "unit_amount": ask.amount,
            "product_data": {"name": ask.name},
        },
    }
    body = {
        "mode": "payment",
        "line_items": [line],
        "success_url": ask.success_url,
        "cancel_url": ask.cancel_url,
        "client_reference_id": ask.reference,
        "customer_email": ask.email,
        "expires_at": int(ask.expires_at.timestamp()),
        "metadata": ask.notes,
        "payment_intent_data": {"metadata": ask.notes},
    }
    made = wire.post(call, "/v1/checkout/sessions", body, key=ask.key)
    return CheckoutPage(
        id=str(made["id"]),
        url=str(made.get("url") or ""),
        expires_at=reading.moment(made.get("expires_at")),
    )


def close_page(call: Caller, session_id: str) -> Remote:
    """Close a page that nobody is to pay on any more; return how it stands now.

    Who has paid meanwhile has paid.

    Raises:
        CallFailed
    """
    path = f"/v1/checkout/sessions/{session_id}/expire"
    try:
        closed = call("POST", path, may_repeat=True).json
    except Refused as refusal:
        # It is closed already, or paid: the page itself tells which.
        found = read_page(call, session_id)
        if found is None:
            raise refusal from None
        return found
    return reading.of_session(closed, at=None)


def read_page(call: Caller, session_id: str) -> Remote | None:
    """Return how a page stands; None where there is none."""
    return _read(call, f"/v1/checkout/sessions/{session_id}", reading.of_session)


def read_payment(call: Caller, intent_id: str) -> Remote | None:
    """Return how a payment stands; None where there is none."""
    return _read(call, f"/v1/payment_intents/{intent_id}", reading.of_intent)


def refund(
    call: Caller, *, intent_id: str, amount: int, key: str, notes: Mapping[str, str]
) -> Remote:
    """Give money back, once per `key`; return how that stands.

    It is searched for first: Stripe forgets keys after a day.

    Raises:
        CallFailed
    """
    found = _find_refund(call, intent_id=intent_id, key=key)
    if found is not None:
        return found
    body = {
        "payment_intent": intent_id,
        "amount": amount,
        "reason": "requested_by_customer",
        "metadata": {**notes, reading.REFUND_NOTE: key},
    }
    return reading.of_refund(wire.post(call, "/v1/refunds", body, key=key), at=None)


def _find_refund(call: Caller, *, intent_id: str, key: str) -> Remote | None:
    for each in _refunds_of(call, intent_id):
        if (each.get("metadata") or {}).get(reading.REFUND_NOTE) == key:
            return reading.of_refund(each, at=None)
    return None


def _refunds_of(call: Caller, intent_id: str) -> Iterator[Mapping[str, Any]]:
    params: dict[str, Any] = {"payment_intent": intent_id, "limit": _PAGE}
    for _ in range(_PAGES):
        found = call("GET", "/v1/refunds", params=params).json
        yield from found["data"]
        if not found.get("has_more"):
            return
        params["starting_after"] = found["data"][-1]["id"]


def _read(call: Caller, path: str, read: Any) -> Remote | None:
    try:
        found = call("GET", path).json
    except CallFailed as failure:
        if failure.status == _NOT_FOUND:
            return None
        raise
    remote: Remote = read(found, at=None)
    return remote

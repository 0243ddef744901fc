"""Read what Stripe says of a payment, in our words.

Each is a `Remote` of kind "payment" whose `fields` are: `news` (one of `News`), the
`deposit` that it is for as our notes name it, `session`, `intent` and `refund` as far
as they show, `refund_key` as we named it, `amount` in minor units, `currency` (upper
case) and `live`.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from integrations.connectors.stripe.wire import text_of
from integrations.rules.things import Remote

KIND = "payment"
# Under these names our notes stand at session, intent and refund.
DEPOSIT_NOTE, REFUND_NOTE = "deposit_id", "refund_key"

Object = Mapping[str, Any]


class News(StrEnum):
    """What became of a payment."""

    OPEN = "open"  # nobody has paid
    PENDING = "pending"  # on its way: some banks take days
    PAID = "paid"
    FAILED = "failed"  # it did not come, and will not
    EXPIRED = "expired"  # the page is closed, and nobody has paid
    REFUNDING = "refunding"
    REFUNDED = "refunded"
    REFUND_FAILED = "refund_failed"
    REFUNDED_IN_ALL = "refunded_in_all"  # `amount` is all that went back so far
    DISPUTED = "disputed"


_REFUNDS = {
    "pending": News.REFUNDING,
    "requires_action": News.REFUNDING,
    "succeeded": News.REFUNDED,
    "failed": News.REFUND_FAILED,
    "canceled": News.REFUND_FAILED,
}


def of_event(event: Object) -> list[Remote]:
    """Return what an event is about; nothing for us: []."""
    read = _READERS.get(str(event.get("type")))
    if read is None:
        return []
    there = (event.get("data") or {}).get("object")
    if not isinstance(there, Mapping) or not there.get("id"):
        return []
    return [read(there, at=moment(event.get("created")))]


def of_session(session: Object, *, at: datetime | None) -> Remote:
    """Read a Checkout session as it stands."""
    return _remote(
        session,
        at=at,
        news=_news_of_session(session),
        session=session["id"],
        intent=text_of(session.get("payment_intent")),
        amount=session.get("amount_total"),
    )


def of_intent(intent: Object, *, at: datetime | None) -> Remote:
    """Read a PaymentIntent; one that failed can be tried again on its page."""
    is_paid = intent.get("status") == "succeeded"
    return _remote(
        intent,
        at=at,
        news=News.PAID if is_paid else News.OPEN,
        intent=intent["id"],
        amount=intent.get("amount_received" if is_paid else "amount"),
    )


def of_refund(refund: Object, *, at: datetime | None) -> Remote:
    """Read a refund."""
    return _remote(
        refund,
        at=at,
        news=_REFUNDS.get(str(refund.get("status")), News.REFUNDING),
        intent=text_of(refund.get("payment_intent")),
        refund=refund["id"],
        amount=refund.get("amount"),
    )


def moment(seconds: Any) -> datetime | None:
    """Return an instant of theirs."""
    return datetime.fromtimestamp(seconds, UTC) if isinstance(seconds, int) else None


def _failed(session: Object, *, at: datetime | None) -> Remote:
    """Read the session of a payment that was on its way and never came."""
    return _as(News.FAILED, of_session(session, at=at))


def _charge_refunded(charge: Object, *, at: datetime | None) -> Remote:
    """Read how much of a charge has gone back, whoever sent it back."""
    return _remote(
        charge,
        at=at,
        news=News.REFUNDED_IN_ALL,
        intent=text_of(charge.get("payment_intent")),
        amount=charge.get("amount_refunded"),
    )


def _disputed(dispute: Object, *, at: datetime | None) -> Remote:
    return _remote(
        dispute,
        at=at,
        news=News.DISPUTED,
        intent=text_of(dispute.get("payment_intent")),
        amount=dispute.get("amount"),
    )


_READERS: Mapping[str, Callable[..., Remote]] = {
    "checkout.session.completed": of_session,
    "checkout.session.expired": of_session,
    "checkout.session.async_payment_succeeded": of_session,
    "checkout.session.async_payment_failed": _failed,
    "payment_intent.succeeded": of_intent,
    "charge.refunded": _charge_refunded,
    "charge.dispute.created": _disputed,
    "refund.created": of_refund,
    "refund.updated": of_refund,
    "refund.failed": of_refund,
}
EVENTS = tuple(_READERS)


def _news_of_session(session: Object) -> News:
    if session.get("payment_status") == "paid":
        return News.PAID
    status = session.get("status")
    if status == "expired":
        return News.EXPIRED
    return News.PENDING if status == "complete" else News.OPEN


def _remote(there: Object, *, at: datetime | None, **said: Any) -> Remote:
    deposit = _note_of(there)
    fields = {
        "session": "",
        "intent": "",
        "refund": "",
        "refund_key": str((there.get("metadata") or {}).get(REFUND_NOTE) or ""),
        "currency": str(there.get("currency") or "").upper(),
        "live": bool(there.get("livemode")),
        "deposit": deposit,
        **said,
    }
    return Remote(
        kind=KIND,
        remote_type=str(there.get("object") or ""),
        remote_id=str(there["id"]),
        fields=fields,
        changed_at=at,
        reference=deposit,
    )


def _note_of(there: Object) -> str:
    return str((there.get("metadata") or {}).get(DEPOSIT_NOTE) or "")


def _as(news: News, remote: Remote) -> Remote:
    return Remote(
        kind=remote.kind,
        remote_type=remote.remote_type,
        remote_id=remote.remote_id,
        fields={**remote.fields, "news": news},
        changed_at=remote.changed_at,
        reference=remote.reference,
    )

"""What customers do on Stripe's page, and the company's people in its dashboard."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from integrations.sandbox.stripe import checkout, endpoints, payments, refunds
from integrations.sandbox.stripe.errors import Declined
from integrations.sandbox.stripe.ledger import Ledger


def pay(
    ledger: Ledger,
    *,
    session: str,
    card: str = "ok",
    email: str = "customer@example.com",
    late: bool = False,
) -> None:
    """A customer pays on the page; `late` crosses its end, as a slow network may."""
    thing = ledger.get("checkout.session", session)
    if thing["status"] != "open" and not (late and thing["status"] == "expired"):
        raise ValueError(f"The session is {thing['status']}.")
    if card not in payments.CARDS:
        raise ValueError(f"A card is one of {', '.join(payments.CARDS)}.")
    checkout.pay(ledger, thing, card=card, email=email)


def settle(ledger: Ledger, *, session: str, good: bool = True) -> None:
    """The bank tells whether a payment that took days has come."""
    checkout.settle(ledger, ledger.get("checkout.session", session), is_good=good)


def confirm(ledger: Ledger, *, payment_intent: str, card: str = "ok") -> None:
    """A customer pays in a form of our own page."""
    if card not in payments.CARDS:
        raise ValueError(f"A card is one of {', '.join(payments.CARDS)}.")
    with suppress(Declined):  # the browser is told, and asks for another card
        payments.confirm(ledger, ledger.get("payment_intent", payment_intent), card)


def refund(ledger: Ledger, *, payment_intent: str, amount: int | None = None) -> None:
    """Somebody gives money back by hand."""
    sent = {"payment_intent": payment_intent}
    refunds.create(ledger, sent | ({"amount": str(amount)} if amount else {}))


def fail_refund(ledger: Ledger, *, refund: str) -> None:
    """The customer's bank does not take the money."""
    refunds.fail(ledger, ledger.get("refund", refund))


def dispute(
    ledger: Ledger, *, payment_intent: str, reason: str = "product_not_received"
) -> None:
    """A customer goes to the bank."""
    intent = ledger.get("payment_intent", payment_intent)
    refunds.dispute(
        ledger, ledger.get("charge", intent["latest_charge"]), reason=reason
    )


def close_dispute(ledger: Ledger, *, dispute: str, won: bool) -> None:
    """The bank decides."""
    refunds.close_dispute(ledger, ledger.get("dispute", dispute), is_won=won)


def expire(ledger: Ledger, *, session: str) -> None:
    """Somebody closes a page by hand; by itself it closes when its time has come."""
    checkout.expire(ledger, ledger.get("checkout.session", session))


def tick(ledger: Ledger) -> None:
    """Time passes: what is due happens."""


def set_webhook(
    ledger: Ledger, *, url: str, secret: str = "", events: Sequence[str] = ("*",)
) -> None:
    """Somebody adds an endpoint; we may say which secret it is to have."""
    sent = {"url": url, "enabled_events": list(events)}
    made = endpoints.create(ledger, sent)
    if secret:
        endpoint = ledger.get("webhook_endpoint", made["id"])
        ledger.roll(endpoint, keep_seconds=0, secret=secret)


def roll_secret(
    ledger: Ledger, *, endpoint: str, keep_seconds: int = 86_400, secret: str = ""
) -> None:
    """Somebody gives an endpoint a new secret; the old one holds for a while."""
    thing = ledger.get("webhook_endpoint", endpoint)
    ledger.roll(thing, keep_seconds=keep_seconds, secret=secret)


ACTS: Mapping[str, Callable[..., None]] = {
    "pay": pay,
    "settle": settle,
    "confirm": confirm,
    "refund": refund,
    "fail_refund": fail_refund,
    "dispute": dispute,
    "close_dispute": close_dispute,
    "expire": expire,
    "tick": tick,
    "set_webhook": set_webhook,
    "roll_secret": roll_secret,
}

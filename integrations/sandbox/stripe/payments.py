"""PaymentIntents, and the charges that they end in."""

from collections.abc import Mapping
from secrets import token_hex
from typing import Any

from integrations.sandbox.stripe import forms
from integrations.sandbox.stripe.errors import Declined, StripeError, unexpected_state
from integrations.sandbox.stripe.ledger import Ledger, Thing, merge_metadata

CARDS = {
    "ok": ("ok", "pm_card_visa", "4242424242424242"),
    "declined": ("card_declined", "pm_card_chargeDeclined", "4000000000000002"),
    "insufficient_funds": (
        "insufficient_funds",
        "pm_card_chargeDeclinedInsufficientFunds",
        "4000000000009995",
    ),
    "asks_the_bank": ("action", "pm_card_authenticationRequired", "4000002500003155"),
    "later": ("later", "pm_usBankAccount", "000123456789"),
}
OPEN = {
    "requires_payment_method",
    "requires_confirmation",
    "requires_action",
    "requires_capture",
}
_ANYTHING = (
    "allowed_payment_method_types",
    "application_fee_amount",
    "confirmation_method",
    "customer",
    "customer_account",
    "error_on_requires_action",
    "mandate",
    "mandate_data",
    "off_session",
    "on_behalf_of",
    "payment_method_configuration",
    "payment_method_options",
    "payment_method_types",
    "radar_options",
    "return_url",
    "setup_future_usage",
    "shipping",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "transfer_data",
    "transfer_group",
    "use_stripe_sdk",
    "expand",
)
FIELDS: Mapping[str, forms.Check] = {
    **dict.fromkeys(_ANYTHING, forms.anything),
    "amount": forms.amount,
    "currency": forms.currency,
    "automatic_payment_methods": forms.anything,
    "capture_method": forms.one_of("automatic", "automatic_async", "manual"),
    "confirm": forms.boolean,
    "description": forms.text,
    "metadata": forms.metadata,
    "payment_method": forms.text,
    "receipt_email": forms.email,
}
_REASONS = ("abandoned", "duplicate", "fraudulent", "requested_by_customer")


def create(ledger: Ledger, sent: Mapping[str, Any]) -> Thing:
    """Make an intent; with `confirm` it is paid in the same call."""
    told = forms.read(sent, FIELDS, required=("amount", "currency"))
    intent = made(ledger, told)
    ledger.emit("payment_intent.created", intent)
    if told.get("confirm"):
        confirm(ledger, intent, told.get("payment_method"))
    return intent


def made(ledger: Ledger, told: Mapping[str, Any]) -> Thing:
    """Keep an intent that nobody has paid yet."""
    method = told.get("payment_method")
    intent = ledger.add(
        "payment_intent",
        amount=told["amount"],
        amount_capturable=0,
        amount_received=0,
        automatic_payment_methods={"enabled": True},
        canceled_at=None,
        cancellation_reason=None,
        capture_method=told.get("capture_method", "automatic"),
        confirmation_method="automatic",
        currency=told["currency"],
        customer=told.get("customer"),
        description=told.get("description"),
        last_payment_error=None,
        latest_charge=None,
        metadata=dict(told.get("metadata", {})),
        next_action=None,
        payment_method=method,
        payment_method_types=["card"],
        receipt_email=told.get("receipt_email"),
        status="requires_confirmation" if method else "requires_payment_method",
    )
    intent["client_secret"] = f"{intent['id']}_secret_{token_hex(12)}"
    return intent


def update(ledger: Ledger, intent: Thing, sent: Mapping[str, Any]) -> Thing:
    """Change an intent that is not paid."""
    told = forms.read(sent, FIELDS)
    if told.keys() - {"metadata", "description", "expand"} and (
        intent["status"] not in OPEN
    ):
        raise unexpected_state(intent, "changed")
    merge_metadata(intent, told)
    kept = ("amount", "currency", "description", "receipt_email")
    intent |= {name: told[name] for name in kept if name in told}
    return intent


def confirm(ledger: Ledger, intent: Thing, method: str | None) -> Thing:
    """Pay, as the customer's browser or a server of ours would.

    Raises:
        Declined: the card does not pay; another may be tried.
        StripeError: it is not the time to pay.
    """
    if intent["status"] not in OPEN - {"requires_capture"}:
        raise unexpected_state(intent, "confirmed")
    method = method or intent["payment_method"]
    if not method:
        raise unexpected_state(intent, "confirmed without a payment method")
    intent["payment_method"] = method
    outcome = _outcome(method)
    if outcome == "action":
        intent["status"] = "requires_action"
        intent["next_action"] = {"type": "use_stripe_sdk", "use_stripe_sdk": {}}
        ledger.emit("payment_intent.requires_action", intent)
    elif outcome == "later":
        intent["status"] = "processing"
        ledger.emit("payment_intent.processing", intent)
    elif outcome == "ok":
        succeed(ledger, intent)
    else:
        raise fail(ledger, intent, outcome)
    return intent


def _outcome(method: str) -> str:
    for name, (outcome, *names) in CARDS.items():
        if method == name or method in names:
            return outcome
    raise StripeError(
        f"No such PaymentMethod: '{method}'",
        code="resource_missing",
        param="payment_method",
    )


def succeed(ledger: Ledger, intent: Thing) -> None:
    """Let the money come, or be held where it is to be captured."""
    is_held = intent["capture_method"] == "manual"
    charge = _charge(ledger, intent, is_captured=not is_held)
    intent |= {"latest_charge": charge["id"], "next_action": None}
    ledger.emit("charge.succeeded", charge)
    if is_held:
        intent |= {"status": "requires_capture", "amount_capturable": intent["amount"]}
        ledger.emit("payment_intent.amount_capturable_updated", intent)
    else:
        intent |= {"status": "succeeded", "amount_received": intent["amount"]}
        ledger.emit("payment_intent.succeeded", intent)


def fail(ledger: Ledger, intent: Thing, code: str) -> Declined:
    """Let the payment fail; another may be tried. Return the refusal."""
    decline = {
        "code": "card_declined",
        "decline_code": "generic_decline" if code == "card_declined" else code,
        "message": "The card was declined.",
        "type": "card_error",
    }
    intent |= {
        "status": "requires_payment_method",
        "payment_method": None,
        "last_payment_error": decline,
    }
    ledger.emit("payment_intent.payment_failed", intent)
    return Declined(
        decline["message"],
        status=402,
        kind="card_error",
        code="card_declined",
        is_kept=True,
        decline_code=decline["decline_code"],
        payment_intent=intent,
    )


def capture(ledger: Ledger, intent: Thing, sent: Mapping[str, Any]) -> Thing:
    """Take the money that is held, or a part; the rest is let go."""
    known = {"amount_to_capture": forms.positive, "metadata": forms.metadata}
    told = forms.read(sent, {**known, "expand": forms.anything})
    if intent["status"] != "requires_capture":
        raise unexpected_state(intent, "captured")
    taken = told.get("amount_to_capture", intent["amount_capturable"])
    if taken > intent["amount_capturable"]:
        raise StripeError(
            "More than is held cannot be captured.",
            code="amount_too_large",
            param="amount_to_capture",
            is_kept=True,
        )
    merge_metadata(intent, told)
    charge = ledger.get("charge", intent["latest_charge"])
    charge |= {"captured": True, "amount_captured": taken}
    intent |= {"status": "succeeded", "amount_received": taken, "amount_capturable": 0}
    ledger.emit("charge.captured", charge)
    ledger.emit("payment_intent.succeeded", intent)
    return intent


def cancel(ledger: Ledger, intent: Thing, sent: Mapping[str, Any]) -> Thing:
    """Call a payment off; money that is held is let go."""
    known = {"cancellation_reason": forms.one_of(*_REASONS), "expand": forms.anything}
    told = forms.read(sent, known)
    if intent["status"] not in OPEN:
        raise unexpected_state(intent, "canceled")
    intent |= {
        "status": "canceled",
        "canceled_at": ledger.now(),
        "cancellation_reason": told.get("cancellation_reason"),
        "amount_capturable": 0,
    }
    if intent["latest_charge"]:  # what was held is let go
        charge = ledger.get("charge", intent["latest_charge"])
        charge |= {"refunded": True, "amount_refunded": charge["amount"]}
        ledger.emit("charge.refunded", charge)
    ledger.emit("payment_intent.canceled", intent)
    return intent


def _charge(ledger: Ledger, intent: Thing, *, is_captured: bool) -> Thing:
    details = dict.fromkeys(("address", "email", "name", "phone"))
    return ledger.add(
        "charge",
        amount=intent["amount"],
        amount_captured=intent["amount"] if is_captured else 0,
        amount_refunded=0,
        billing_details={**details, "email": intent["receipt_email"]},
        captured=is_captured,
        currency=intent["currency"],
        dispute=None,
        disputed=False,
        metadata=dict(intent["metadata"]),
        paid=True,
        payment_intent=intent["id"],
        payment_method=intent["payment_method"],
        refunded=False,
        status="succeeded",
    )

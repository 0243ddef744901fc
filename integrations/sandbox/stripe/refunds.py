"""Money that goes back: refunds, and disputes with the customer's bank."""

from collections.abc import Mapping
from typing import Any

from integrations.sandbox.stripe import forms
from integrations.sandbox.stripe.errors import StripeError
from integrations.sandbox.stripe.ledger import Ledger, Thing, merge_metadata

_FIELDS: Mapping[str, forms.Check] = {
    "amount": forms.positive,
    "charge": forms.text,
    "expand": forms.anything,
    "metadata": forms.metadata,
    "payment_intent": forms.text,
    "reason": forms.one_of("duplicate", "fraudulent", "requested_by_customer"),
}


def create(ledger: Ledger, sent: Mapping[str, Any]) -> Thing:
    """Give money back, all that is left unless an amount is named."""
    told = forms.read(sent, _FIELDS)
    charge = _charge(ledger, told)
    left = charge["amount_captured"] - charge["amount_refunded"]
    amount = told.get("amount", left)
    _check(charge, amount=amount, left=left)
    refund = ledger.add(
        "refund",
        amount=amount,
        balance_transaction=None,
        charge=charge["id"],
        currency=charge["currency"],
        metadata=dict(told.get("metadata", {})),
        payment_intent=charge["payment_intent"],
        reason=told.get("reason"),
        receipt_number=None,
        source_transfer_reversal=None,
        status="succeeded",
        transfer_reversal=None,
    )
    _book(charge, amount)
    ledger.emit("refund.created", refund)
    ledger.emit("charge.refunded", charge)
    return refund


def _charge(ledger: Ledger, told: Mapping[str, Any]) -> Thing:
    if told.get("charge"):
        return ledger.get("charge", told["charge"], param="charge")
    if not told.get("payment_intent"):
        raise StripeError(
            "A charge or a payment_intent is needed.",
            code="parameter_missing",
            param="payment_intent",
        )
    name = told["payment_intent"]
    intent = ledger.get("payment_intent", name, param="payment_intent")
    if not intent["latest_charge"]:
        raise StripeError(
            f"This PaymentIntent ({name}) has no successful charge to refund.",
            param="payment_intent",
            is_kept=True,
        )
    return ledger.get("charge", intent["latest_charge"])


def _check(charge: Thing, *, amount: int, left: int) -> None:
    if charge["disputed"]:
        raise StripeError(
            "The charge is disputed.", code="charge_disputed", is_kept=True
        )
    if not charge["captured"]:
        raise StripeError(
            "What is only held is not refunded but canceled.", is_kept=True
        )
    if left == 0:
        raise StripeError(
            f"Charge {charge['id']} has been refunded.",
            code="charge_already_refunded",
            is_kept=True,
        )
    if amount > left:
        raise StripeError(
            f"Only {left} is left to be refunded.", param="amount", is_kept=True
        )


def _book(charge: Thing, amount: int) -> None:
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]


def update(ledger: Ledger, refund: Thing, sent: Mapping[str, Any]) -> Thing:
    """Change the notes of a refund."""
    known = {"metadata": forms.metadata, "expand": forms.anything}
    merge_metadata(refund, forms.read(sent, known))
    ledger.emit("refund.updated", refund)
    return refund


def fail(ledger: Ledger, refund: Thing) -> None:
    """Let the customer's bank send a refund back."""
    refund |= {"status": "failed", "failure_reason": "lost_or_stolen_card"}
    _book(ledger.get("charge", refund["charge"]), -refund["amount"])
    ledger.emit("refund.updated", refund)
    ledger.emit("refund.failed", refund)


def dispute(ledger: Ledger, charge: Thing, *, reason: str) -> Thing:
    """Let a customer ask the money back from the bank."""
    details = {
        "due_by": ledger.now() + 7 * 86_400,
        "has_evidence": False,
        "past_due": False,
        "submission_count": 0,
    }
    thing = ledger.add(
        "dispute",
        amount=charge["amount"],
        balance_transactions=[],
        charge=charge["id"],
        currency=charge["currency"],
        evidence={},
        evidence_details=details,
        is_charge_refundable=False,
        metadata={},
        payment_intent=charge["payment_intent"],
        reason=reason,
        status="needs_response",
    )
    charge |= {"disputed": True, "dispute": thing["id"]}
    ledger.emit("charge.dispute.created", thing)
    return thing


def close_dispute(ledger: Ledger, thing: Thing, *, is_won: bool) -> None:
    """Let the bank decide."""
    thing["status"] = "won" if is_won else "lost"
    if is_won:
        ledger.get("charge", thing["charge"])["disputed"] = False
    ledger.emit("charge.dispute.closed", thing)

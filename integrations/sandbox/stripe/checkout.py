"""Checkout: a page of Stripe's, on which a customer pays within a time."""

from collections.abc import Mapping
from typing import Any

from integrations.sandbox.stripe import forms, payments
from integrations.sandbox.stripe.errors import Declined, StripeError
from integrations.sandbox.stripe.ledger import Ledger, Thing

SHORTEST, LONGEST = 30 * 60, 24 * 3600
LONGEST_REFERENCE = 200
_ANYTHING = (
    "adaptive_pricing",
    "after_expiration",
    "allow_promotion_codes",
    "allowed_payment_method_types",
    "automatic_tax",
    "billing_address_collection",
    "branding_settings",
    "consent_collection",
    "currency",
    "custom_fields",
    "custom_text",
    "customer",
    "customer_account",
    "customer_creation",
    "customer_update",
    "discounts",
    "excluded_payment_method_types",
    "expand",
    "invoice_creation",
    "locale",
    "name_collection",
    "origin_context",
    "payment_method_collection",
    "payment_method_configuration",
    "payment_method_options",
    "payment_method_types",
    "phone_number_collection",
    "shipping_address_collection",
    "shipping_options",
    "submit_type",
    "tax_id_collection",
    "wallet_options",
)
_LINE = {
    "price_data": forms.anything,
    "quantity": forms.positive,
    "price": forms.anything,
    "adjustable_quantity": forms.anything,
}
_PRICE = {
    "currency": forms.currency,
    "unit_amount": forms.whole,
    "product_data": forms.anything,
    "tax_behavior": forms.anything,
}


def _intent_data(name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise StripeError("Invalid hash", param=name)
    return forms.read(value, payments.FIELDS, under=name)


def _reference(name: str, value: Any) -> str | None:
    if len(str(value)) > LONGEST_REFERENCE:
        raise StripeError(f"At most {LONGEST_REFERENCE} characters.", param=name)
    return forms.text(name, value)


_FIELDS: Mapping[str, forms.Check] = {
    **dict.fromkeys(_ANYTHING, forms.anything),
    "mode": forms.one_of("payment"),
    "success_url": forms.url,
    "cancel_url": forms.url,
    "client_reference_id": _reference,
    "customer_email": forms.email,
    "expires_at": forms.whole,
    "line_items": forms.items,
    "metadata": forms.metadata,
    "payment_intent_data": _intent_data,
    "ui_mode": forms.one_of("hosted", "hosted_page"),
}


def create(ledger: Ledger, sent: Mapping[str, Any]) -> Thing:
    """Open a page to pay on. Its PaymentIntent is made when somebody tries to."""
    told = forms.read(sent, _FIELDS, required=("mode", "success_url", "line_items"))
    currency, total = _total(told["line_items"])
    now = ledger.now()
    expires_at = told.get("expires_at", now + LONGEST)
    if not SHORTEST <= expires_at - now <= LONGEST:
        raise StripeError(
            "expires_at lies 30 minutes to 24 hours after the creation.",
            param="expires_at",
        )
    session = ledger.add(
        "checkout.session",
        **_UNUSED,
        amount_subtotal=total,
        amount_total=total,
        cancel_url=told.get("cancel_url"),
        client_reference_id=told.get("client_reference_id"),
        currency=currency,
        customer=None,
        customer_details=None,
        customer_email=told.get("customer_email"),
        expires_at=expires_at,
        metadata=dict(told.get("metadata", {})),
        mode="payment",
        payment_intent=None,
        payment_method_types=["card"],
        payment_status="unpaid",
        status="open",
        success_url=told["success_url"],
        ui_mode="hosted_page",
    )
    session["url"] = f"{ledger.pages}/{session['id']}"
    session["_intent"] = told.get("payment_intent_data", {})
    return session


_UNUSED: Mapping[str, Any] = {
    "automatic_tax": {"enabled": False, "status": None},
    "custom_fields": [],
    "custom_text": {"shipping_address": None, "submit": None},
    "shipping_options": [],
}


def _total(lines: list[Any]) -> tuple[str, int]:
    """Return currency and sum of the lines."""
    currencies, total = [], 0
    for number, line in enumerate(lines):
        place = f"line_items[{number}]"
        if not isinstance(line, dict):
            raise StripeError("Invalid hash", param=place)
        told = forms.read(line, _LINE, required=("price_data", "quantity"), under=place)
        place += "[price_data]"
        required = ("currency", "unit_amount", "product_data")
        price = forms.read(told["price_data"], _PRICE, required=required, under=place)
        if not price["product_data"].get("name"):
            raise StripeError(
                f"Missing required param: {place}[product_data][name].",
                code="parameter_missing",
                param=f"{place}[product_data][name]",
            )
        currencies.append(price["currency"])
        total += price["unit_amount"] * told["quantity"]
    if len(set(currencies)) != 1:
        raise StripeError("All lines have one currency.", param="line_items")
    forms.amount("line_items", str(total))
    return currencies[0], total


def pay(ledger: Ledger, session: Thing, *, card: str, email: str) -> None:
    """Let a customer try to pay on the page; a declined card leaves it open."""
    intent = _intent_of(ledger, session)
    try:
        payments.confirm(ledger, intent, card)
    except Declined:
        return
    if intent["status"] == "requires_action":
        return
    details: Thing = {"address": None, "name": None, "phone": None, "tax_ids": []}
    session |= {
        "status": "complete",
        "payment_status": "paid" if intent["status"] == "succeeded" else "unpaid",
        "customer_details": {**details, "email": email, "tax_exempt": "none"},
        "url": None,
    }
    ledger.emit("checkout.session.completed", shown(session))


def _intent_of(ledger: Ledger, session: Thing) -> Thing:
    if session["payment_intent"]:
        intent = ledger.get("payment_intent", session["payment_intent"])
        if intent["status"] != "canceled":
            return intent
    wanted = {"amount": session["amount_total"], "currency": session["currency"]}
    intent = payments.made(ledger, session["_intent"] | wanted)
    session["payment_intent"] = intent["id"]
    ledger.emit("payment_intent.created", intent)
    return intent


def check_is_free(ledger: Ledger, intent: Thing) -> None:
    """Check that no open page has this intent: who cancels it expires the page.

    Raises:
        StripeError: one has.
    """
    for session in ledger.things["checkout.session"].values():
        if session["payment_intent"] == intent["id"] and session["status"] == "open":
            raise StripeError(
                "The PaymentIntent of an open Checkout Session is not confirmed or "
                "canceled by itself.",
                code="payment_intent_unexpected_state",
                is_kept=True,
            )


def settle(ledger: Ledger, session: Thing, *, is_good: bool) -> None:
    """Let a payment that takes days arrive, or not."""
    intent = ledger.get("payment_intent", session["payment_intent"])
    if intent["status"] != "processing":
        raise ValueError(f"The payment is {intent['status']}, not on its way.")
    if is_good:
        payments.succeed(ledger, intent)
        session["payment_status"] = "paid"
    else:
        payments.fail(ledger, intent, "insufficient_funds")
    outcome = "succeeded" if is_good else "failed"
    ledger.emit(f"checkout.session.async_payment_{outcome}", shown(session))


def expire(ledger: Ledger, session: Thing) -> Thing:
    """Close the page.

    Raises:
        StripeError: it is closed.
    """
    if session["status"] != "open":
        raise StripeError(
            f"Only an open Checkout Session expires; this one is {session['status']}.",
            is_kept=True,
        )
    session |= {"status": "expired", "url": None}
    if session["payment_intent"]:
        intent = ledger.get("payment_intent", session["payment_intent"])
        payments.cancel(ledger, intent, {})
    ledger.emit("checkout.session.expired", shown(session))
    return session


def expire_due(ledger: Ledger) -> None:
    """Close the pages whose time has come."""
    for session in list(ledger.things["checkout.session"].values()):
        if session["status"] == "open" and session["expires_at"] <= ledger.now():
            expire(ledger, session)


def shown(session: Thing) -> Thing:
    """Return the session as Stripe shows it."""
    return {name: value for name, value in session.items() if name[0] != "_"}

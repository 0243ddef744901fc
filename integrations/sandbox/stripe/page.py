"""The page on which a customer pays, for a person who looks on."""

from html import escape
from http import HTTPStatus

from integrations.sandbox.stripe import checkout, payments
from integrations.sandbox.stripe.errors import StripeError
from integrations.sandbox.stripe.ledger import Ledger, Thing
from integrations.sandbox.wire import Reply, Request

PATH = "/pay/"
_HTML = "text/html; charset=utf-8"
_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Pay</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<style>
  body { font: 1rem/1.6 system-ui, sans-serif; max-width: 26rem; margin: 12vh auto;
         padding: 0 1rem }
  button { display: block; width: 100%%; margin: .5rem 0; padding: .6rem }
</style>
<h1>%s</h1><p>%s</p>%s</html>
"""
_TITLES = {
    "ok": "Pay by card",
    "later": "Pay from a bank account, which takes days",
    "declined": "Try a card that is declined",
    "insufficient_funds": "Try a card without funds",
}


def answer(ledger: Ledger, request: Request) -> Reply:
    """Show the page of a session, or take what is pressed there."""
    session = ledger.get("checkout.session", request.path.removeprefix(PATH))
    if session["status"] != "open":
        return _shown(session, f"This page is {session['status']}.", can_pay=False)
    if request.method != "POST":
        return _shown(session, "A sandbox: no money moves.")
    card = dict(request.form()).get("card", "ok")
    if card not in payments.CARDS:
        raise StripeError("There is no such card.", param="card")
    checkout.pay(ledger, session, card=card, email="customer@example.com")
    if session["status"] == "open":
        return _shown(session, "The card was declined. Try another.")
    target = session["success_url"].replace("{CHECKOUT_SESSION_ID}", session["id"])
    return Reply(status=HTTPStatus.SEE_OTHER, body=b"", headers={"Location": target})


def _shown(session: Thing, said: str, *, can_pay: bool = True) -> Reply:
    amount = f"{session['amount_total'] / 100:.2f} {session['currency'].upper()}"
    buttons = "".join(
        f'<button name="card" value="{card}">{title}</button>'
        for card, title in _TITLES.items()
    )
    form = f'<form method="post">{buttons}</form>' if can_pay else ""
    if session["cancel_url"]:
        form += f'<p><a href="{escape(session["cancel_url"])}">Go back</a></p>'
    page = _PAGE % (escape(amount), escape(said), form)
    return Reply(body=page.encode(), headers={"Content-Type": _HTML})

"""Stripe: deposits on a page of Stripe's, and money that goes back.

Stripe is told of no things of ours: `payments` is what asks for money, and
`integrations.services.deposits` decides when. What it tells comes through the inbox,
and its log of events is read as well, for callbacks that were lost. Each change goes
out under an idempotency key, so it may be repeated; after a day Stripe forgets the
key, so a refund is searched for before it is asked for.

Not verified with the vendor: how long events are kept (30 days, says memory); that a
restricted key which lacks a right is answered with 403. Stripe allows 25 calls a second
in a sandbox and 100 with real money: the pace below is for the former.
"""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from integrations.connectors.asked_only import AskedOnly
from integrations.connectors.port import Caller
from integrations.connectors.stripe import events, payments, reading
from integrations.connectors.stripe.questions import QUESTIONS, VERSION
from integrations.connectors.stripe.wire import is_live
from integrations.rules.refusals import Busy, CallFailed, Refused
from integrations.rules.things import Inbound, Page, Remote

_IN_USE = 409
_CARD = 402


class Stripe(AskedOnly):
    """The connector of one account."""

    vendor = "stripe"
    hosts: Mapping[str, str] = {"api": "https://api.stripe.com"}
    trusted_hosts = frozenset({"api.stripe.com"})
    questions = QUESTIONS
    calls_per_second = 20.0
    feeds: tuple[str, ...] = ("events",)
    poll_every = timedelta(minutes=2)

    def authorise(self, call: Caller) -> Mapping[str, str]:
        """Show the key, and name the version that the answers are to have."""
        return {
            "Authorization": f"Bearer {call.credentials.get('secret_key', '')}",
            "Stripe-Version": str(call.settings.get("api_version") or VERSION),
        }

    def check(self, call: Caller) -> str:
        """List one event: nothing changes, and the feed needs that right too."""
        call("GET", "/v1/events", params={"limit": 1})
        return f"The account answers; {'real' if is_live(call) else 'test'} money."

    def failure_of(self, status: int, body: Any) -> tuple[str, str]:
        error = body.get("error") if isinstance(body, Mapping) else None
        if not isinstance(error, Mapping):
            return "", ""
        code = error.get("decline_code") or error.get("code") or error.get("type")
        said = str(error.get("message") or "")
        param = error.get("param")
        return str(code or ""), f"{said} ({param})" if param else said

    def kind_of(self, status: int, body: Any) -> type[CallFailed] | None:
        """Tell a key that is just in use, and a card, from what is really wrong."""
        return {_IN_USE: Busy, _CARD: Refused}.get(status)

    def fetch(self, call: Caller, remote_type: str, remote_id: str) -> Remote | None:
        read = {
            "checkout.session": payments.read_page,
            "payment_intent": payments.read_payment,
        }.get(remote_type)
        return read(call, remote_id) if read else None

    def poll(self, call: Caller, feed: str, cursor: str) -> Page:
        return events.poll(call, cursor)

    def read(self, call: Caller, event: Inbound) -> list[Remote]:
        return reading.of_event(json.loads(event.body))

"""Each answer of our fakes is one that the vendor describes."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from integrations.sandbox.mailchimp import KEY as MAILCHIMP_KEY
from integrations.sandbox.mailchimp import LIST, Mailchimp
from integrations.sandbox.stripe import KEY as STRIPE_KEY
from integrations.sandbox.stripe import Stripe
from integrations.sandbox.twilio import ACCOUNT, NUMBER, SERVICE, Twilio
from integrations.sandbox.twilio import KEY as TWILIO_KEY
from integrations.sandbox.wire import Reply
from tests.integrations.sandbox.calling import Caller, basic
from tests.integrations.sandbox.contract.openapi import problems_of

HERE = "https://fieldbook.test/in"


class Checked(Caller):
    """Calls a fake, and holds each good call and its answer against the description."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.problems: list[str] = []
        self.checked = 0

    def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        form: Sequence[tuple[str, str]] | Mapping[str, str] | None = None,
        **given: Any,
    ) -> Reply:
        reply = super().__call__(method, path, body, form=form, **given)
        sent = body if form is None else form
        name = self.vendor.name
        self.problems += [
            f"{method} {path}: {problem}"
            for problem in problems_of(name, method, path, sent, reply)
            if reply.status < 400 or problem.startswith("$")
        ]
        self.checked += 1
        return reply


@pytest.fixture
def mailchimp() -> Checked:
    return Checked(Mailchimp(), authorization=basic("x", MAILCHIMP_KEY))


def test_mailchimp_answers_about_contacts_as_described(mailchimp) -> None:
    call = mailchimp
    members = f"/3.0/lists/{LIST}/members"
    joins = {"email_address": "ada@example.com", "status_if_new": "subscribed"}
    ada = f"{members}/ada@example.com"

    call("PUT", ada, joins)
    call("PUT", ada, {**joins, "vip": 1})
    call("PATCH", ada, {"merge_fields": {"FNAME": "Ada"}})
    call("POST", f"{ada}/tags", {"tags": [{"name": "VIP", "status": "active"}]})
    call("GET", f"{ada}/tags")
    call("POST", f"{ada}/events", {"name": "visit_done"})
    call("GET", f"{ada}/events")
    call("GET", ada)
    call("GET", f"{members}?count=5&since_last_changed=2020-01-01T00:00:00Z")
    call("POST", members, {"email_address": "b@example.com", "status": "pending"})
    call("POST", members, {"email_address": "b@example.com", "status": "pending"})
    call("DELETE", ada)
    call("POST", f"{ada}/actions/delete-permanent")
    call("GET", ada)

    assert call.problems == []
    assert call.checked == 14


def test_mailchimp_answers_about_audiences_as_described(mailchimp) -> None:
    hooks = f"/3.0/lists/{LIST}/webhooks"

    mailchimp("GET", "/3.0/ping")
    mailchimp("GET", "/3.0/lists")
    mailchimp("GET", f"/3.0/lists/{LIST}")
    wish = {"url": HERE, "events": {"subscribe": True}, "sources": {"api": False}}
    hook = mailchimp("POST", hooks, wish).json
    mailchimp("POST", hooks, wish)
    mailchimp("GET", hooks)
    mailchimp("GET", f"{hooks}/{hook['id']}")
    mailchimp("DELETE", f"{hooks}/{hook['id']}")

    assert mailchimp.problems == []
    assert mailchimp.checked == 8


def test_twilio_answers_as_described() -> None:
    call = Checked(Twilio(), authorization=basic(ACCOUNT, TWILIO_KEY))
    home = f"/2010-04-01/Accounts/{ACCOUNT}"
    form = {"To": "+15558675310", "From": NUMBER, "Body": "x", "StatusCallback": HERE}

    call("GET", f"{home}.json")
    sent = call("POST", f"{home}/Messages.json", form=form).json
    later = {"To": form["To"], "Body": "x", "MessagingServiceSid": SERVICE}
    call("POST", f"{home}/Messages.json", form=later)
    call.act("text", sender="+15558675310", body="STOP")
    call("POST", f"{home}/Messages.json", form=form)
    call("GET", f"{home}/Messages.json?To=%2B15558675310&PageSize=2")
    call("GET", f"{home}/Messages/{sent['sid']}.json")
    call("POST", f"{home}/Messages/{sent['sid']}.json", form={"Body": ""})
    call("DELETE", f"{home}/Messages/{sent['sid']}.json")
    [number] = call(
        "GET", f"{home}/IncomingPhoneNumbers.json?PhoneNumber=%2B15005550006"
    ).json["incoming_phone_numbers"]
    path = f"{home}/IncomingPhoneNumbers/{number['sid']}.json"
    call("POST", path, form={"SmsUrl": HERE})
    for asked in ("+15558675310", "+1555"):
        call("GET", f"/v2/PhoneNumbers/{asked}?Fields=line_type_intelligence")

    assert call.problems == []
    assert call.checked == 12


@pytest.fixture
def stripe() -> Checked:
    return Checked(Stripe(), authorization=f"Bearer {STRIPE_KEY}")


def test_stripe_answers_about_sessions_as_described(stripe) -> None:
    line = "line_items[0]"
    session = {
        "mode": "payment",
        "success_url": HERE,
        f"{line}[quantity]": "1",
        f"{line}[price_data][currency]": "usd",
        f"{line}[price_data][unit_amount]": "9900",
        f"{line}[price_data][product_data][name]": "Deposit",
        "payment_intent_data[metadata][visit]": "1",
    }
    sessions = "/v1/checkout/sessions"
    one, two = (stripe("POST", sessions, form=session).json["id"] for _ in range(2))

    stripe.act("pay", session=one, card="declined")
    stripe.act("pay", session=one)
    stripe("GET", f"{sessions}/{one}?expand[]=payment_intent")
    stripe("POST", f"{sessions}/{two}/expire")
    stripe("POST", f"{sessions}/{two}/expire")
    stripe("GET", f"{sessions}?limit=5")
    stripe("GET", "/v1/events?type=checkout.session.completed")

    assert stripe.problems == []
    assert stripe.checked == 7


def test_stripe_answers_about_intents_as_described(stripe) -> None:
    intents = "/v1/payment_intents"
    form = {"amount": "9900", "currency": "usd", "metadata[visit]": "1"}
    card = {"payment_method": "pm_card_visa"}
    held = {**form, **card, "confirm": "true", "capture_method": "manual"}

    stripe("GET", "/v1/balance")
    stripe("GET", "/v1/account")
    one, two = (stripe("POST", intents, form=form).json["id"] for _ in range(2))
    bad = {"payment_method": "pm_card_chargeDeclined"}
    stripe("POST", f"{intents}/{one}/confirm", form=bad)
    stripe("POST", f"{intents}/{one}/confirm", form=card)
    stripe("POST", f"{intents}/{two}/cancel", form={"cancellation_reason": "duplicate"})
    three = stripe("POST", intents, form=held).json["id"]
    stripe("POST", f"{intents}/{three}/capture", form={"amount_to_capture": "100"})
    stripe("POST", f"{intents}/{three}", form={"metadata[x]": "y"})
    stripe("GET", f"{intents}/{one}?expand[]=latest_charge")
    stripe("GET", f"{intents}?limit=2")
    stripe("GET", f"{intents}/search?query=status:'succeeded'")

    assert stripe.problems == []
    assert stripe.checked == 13


def test_stripe_answers_about_money_back_as_described(stripe) -> None:
    form = {"amount": "9900", "currency": "usd", "confirm": "true"}
    card = {"payment_method": "pm_card_visa"}
    one = stripe("POST", "/v1/payment_intents", form=form | card).json["id"]

    refund = stripe("POST", "/v1/refunds", form={"payment_intent": one, "amount": "9"})
    stripe("POST", "/v1/refunds", form={"payment_intent": one, "amount": "99999"})
    stripe("GET", f"/v1/refunds/{refund.json['id']}")
    stripe("GET", f"/v1/refunds?payment_intent={one}")
    stripe.act("dispute", payment_intent=one)
    stripe("GET", f"/v1/disputes?payment_intent={one}")
    stripe("GET", f"/v1/charges?payment_intent={one}")
    stripe("GET", "/v1/events?types[]=charge.refunded&created[gte]=1")

    assert stripe.problems == []
    assert stripe.checked == 8


def test_stripe_answers_about_endpoints_as_described(stripe) -> None:
    hook = {"url": HERE, "enabled_events[]": "*"}
    made = stripe("POST", "/v1/webhook_endpoints", form=hook).json["id"]
    stripe("GET", "/v1/webhook_endpoints")
    stripe("POST", f"/v1/webhook_endpoints/{made}", form={"disabled": "true"})
    stripe("DELETE", f"/v1/webhook_endpoints/{made}")

    assert stripe.problems == []
    assert stripe.checked == 4

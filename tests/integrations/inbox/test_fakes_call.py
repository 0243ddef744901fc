"""The sandbox's fakes call back. They sign by the vendors' facts, not by our code."""

from collections.abc import Sequence

import pytest

from integrations.models import Connection, InboundEvent, Vendor
from integrations.sandbox.housecallpro import (
    COMPANY_KEY,
    WEBHOOK_SECRET,
    HousecallPro,
)
from integrations.sandbox.mailchimp import KEY as MAILCHIMP_KEY
from integrations.sandbox.mailchimp import LIST, Mailchimp
from integrations.sandbox.servicetitan import ServiceTitan
from integrations.sandbox.stripe import KEY as STRIPE_KEY
from integrations.sandbox.stripe import Stripe
from integrations.sandbox.twilio import ACCOUNT, NUMBER, Twilio
from integrations.sandbox.twilio import KEY as TWILIO_KEY
from integrations.sandbox.wire import Callback
from tests.integrations.inbox.callers import Call, make_connection, path_of, send
from tests.integrations.sandbox.calling import Caller, basic

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def base(live_server, settings) -> str:
    settings.PUBLIC_BASE_URL = live_server.url
    return str(live_server.url)


def listen(connection: Connection, base: str, secret: str = "") -> str:
    """Take what is signed by that secret; return the URL to call."""
    Connection.objects.filter(pk=connection.pk).update(inbound_secret=secret)
    return base + path_of(connection)


def pass_on(callbacks: Sequence[Callback]) -> list[int]:
    """Send what a fake tells, as the sandbox does."""
    return [
        send(
            callback.url,
            callback.url.partition(callback.url.split("/")[2])[2],
            Call(body=callback.body, headers=dict(callback.headers)),
            method=callback.method,
        ).status
        for callback in callbacks
    ]


def types() -> list[str]:
    return list(
        InboundEvent.objects.order_by("pk").values_list("event_type", flat=True)
    )


def test_housecall_pro_tries_the_url_and_tells_of_a_customer(base) -> None:
    vendor = HousecallPro()
    call = Caller(vendor, authorization=f"Token {COMPANY_KEY}")
    connection = make_connection(Vendor.HOUSECALLPRO)
    url = listen(connection, base, WEBHOOK_SECRET)

    [probe] = call.act("set_webhook", url=url)
    probed = pass_on([probe])
    vendor.told(probe, status=probed[0])
    call.told.clear()
    call("POST", "/customers", {"first_name": "Ada", "email": "ada@example.com"})

    assert probed == [200]
    assert pass_on(call.told) == [202]
    assert pass_on(call.told) == [200]
    assert types() == ["customer.created"]
    assert InboundEvent.objects.get().external_id.startswith("cus_")


@pytest.mark.parametrize("encoding", ["hex", "base64"])
def test_servicetitan_tells_of_a_job(base, encoding) -> None:
    vendor = ServiceTitan()
    secret = "k" * 32
    url = listen(make_connection(Vendor.SERVICETITAN), base, secret)
    vendor.act("set_webhook", {"url": url, "secret": secret, "encoding": encoding})

    told = vendor._hook.callback("job.completed", {"id": 7})  # type: ignore[union-attr]  # set

    assert told is not None
    assert pass_on([told, told]) == [202, 200]
    assert types() == ["job.completed"]
    assert InboundEvent.objects.get().external_id == "7"


def test_stripe_tells_of_a_payment(base) -> None:
    call = Caller(Stripe(), authorization=f"Bearer {STRIPE_KEY}")
    connection = make_connection(Vendor.STRIPE)
    url = listen(connection, base)
    form = {"url": url, "enabled_events[]": "*"}
    made = call("POST", "/v1/webhook_endpoints", form=form)
    listen(connection, base, made.json["secret"])
    intent = {
        "amount": "9900",
        "currency": "usd",
        "confirm": "true",
        "payment_method": "pm_card_visa",
    }

    call("POST", "/v1/payment_intents", form=intent)

    assert set(pass_on(call.told)) == {202}
    assert set(pass_on(call.told)) == {200}
    assert "payment_intent.succeeded" in types()


def test_stripe_signs_by_two_secrets_while_one_is_replaced(base) -> None:
    call = Caller(Stripe(), authorization=f"Bearer {STRIPE_KEY}")
    connection = make_connection(Vendor.STRIPE)
    form = {"url": listen(connection, base), "enabled_events[]": "*"}
    made = call("POST", "/v1/webhook_endpoints", form=form).json
    listen(connection, base, made["secret"])
    call.act("roll_secret", endpoint=made["id"])

    call("POST", "/v1/payment_intents", form={"amount": "9900", "currency": "usd"})

    assert call.told[-1].headers["Stripe-Signature"].count("v1=") == 2
    assert pass_on(call.told[-1:]) == [202]


def test_twilio_tells_how_far_a_message_has_come(base) -> None:
    call = Caller(Twilio(), authorization=basic(ACCOUNT, TWILIO_KEY))
    connection = make_connection(Vendor.TWILIO)
    url = listen(connection, base, TWILIO_KEY)
    sms = {"To": "+15558675310", "From": NUMBER, "Body": "On our way"}
    path = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"

    call("POST", path, form={**sms, "StatusCallback": f"{url}?visit=1#rc=3"})
    call("GET", path)

    assert call.told
    assert set(pass_on(call.told)) == {200}
    assert types()[-1] == "message.delivered"
    assert len(types()) == len(call.told)


def test_mailchimp_looks_and_tells_who_has_left(base) -> None:
    call = Caller(Mailchimp(), authorization=basic("any", MAILCHIMP_KEY))
    url = listen(make_connection(Vendor.MAILCHIMP), base)
    hook = {"url": url, "events": {"unsubscribe": True}, "sources": {"user": True}}
    member = {"email_address": "ada@example.com", "status": "subscribed"}

    call("POST", f"/3.0/lists/{LIST}/webhooks", hook)
    call("POST", f"/3.0/lists/{LIST}/members", member)
    call.act("unsubscribe", email="ada@example.com")

    assert [each.method for each in call.told] == ["GET", "POST"]
    assert pass_on(call.told) == [200, 200]
    assert types() == ["unsubscribe"]

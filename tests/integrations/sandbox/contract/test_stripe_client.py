"""Stripe's own client takes our Stripe for the real one."""

import json

import httpx2
import pytest
import stripe
from stripe import StripeClient

from integrations.sandbox.stripe import KEY
from tests.integrations.sandbox.contract.conftest import settled

HOME = "https://fieldbook.test/back"
SESSION = {
    "mode": "payment",
    "success_url": "https://fieldbook.test/thanks",
    "line_items": [
        {
            "quantity": 1,
            "price_data": {
                "currency": "usd",
                "unit_amount": 9900,
                "product_data": {"name": "Deposit"},
            },
        }
    ],
    "metadata": {"visit": "1"},
    "payment_intent_data": {"metadata": {"visit": "1"}},
}
INTENT = {"amount": 9900, "currency": "usd", "metadata": {"visit": "1"}}
CARD = {"confirm": True, "payment_method": "pm_card_visa"}


@pytest.fixture
def client(world) -> StripeClient:
    return StripeClient(
        KEY, base_addresses={"api": world.at("stripe")}, max_network_retries=0
    )


@pytest.fixture
def secret(client, listener) -> str:
    endpoint = client.v1.webhook_endpoints.create(
        {"url": listener.url, "enabled_events": ["*"]}
    )
    return str(endpoint.secret)


def test_a_deposit_is_paid_and_told(client, world, listener, secret) -> None:
    session = client.v1.checkout.sessions.create(SESSION)
    assert session.url

    world.world.act("stripe", "pay", {"session": session.id})
    settled(world, "stripe")

    told = [
        client.construct_event(each.body, each.headers["Stripe-Signature"], secret)
        for each in listener.heard
    ]
    assert [event.type for event in told] == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
        "checkout.session.completed",
    ]
    paid = client.v1.checkout.sessions.retrieve(
        session.id, {"expand": ["payment_intent"]}
    )
    assert paid.payment_intent.amount_received == 9900
    assert paid.payment_intent.metadata["visit"] == "1"


def test_a_deposit_is_paid_on_the_page(client) -> None:
    wish = {**SESSION, "success_url": "https://fieldbook.test/?{CHECKOUT_SESSION_ID}"}
    session = client.v1.checkout.sessions.create(wish)
    page = str(session.url)

    shown = httpx2.get(page)
    declined = httpx2.post(page, data={"card": "declined"})
    paid = httpx2.post(page, data={"card": "ok"})

    assert "99.00 USD" in shown.text
    assert "declined" in declined.text
    assert paid.status_code == 303
    assert paid.headers["Location"] == f"https://fieldbook.test/?{session.id}"
    assert "<form" not in httpx2.get(page).text
    assert client.v1.checkout.sessions.retrieve(session.id).payment_status == "paid"


def test_a_page_that_is_not_there_is_not_shown(client, world) -> None:
    session = client.v1.checkout.sessions.create({**SESSION, "cancel_url": HOME})

    gold = httpx2.post(str(session.url), data={"card": "gold"})
    missing = httpx2.get(world.at("stripe") + "/pay/cs_0")

    assert (gold.status_code, missing.status_code) == (400, 404)
    assert HOME in httpx2.get(str(session.url)).text


def test_a_changed_event_is_no_event(client, world, listener, secret) -> None:
    client.v1.payment_intents.create(INTENT)
    settled(world, "stripe")
    [told] = listener.heard

    forged = told.body.replace(b"9900", b"1")
    with pytest.raises(stripe.SignatureVerificationError):
        client.construct_event(forged, told.headers["Stripe-Signature"], secret)


def test_both_secrets_hold_while_one_is_rolled(client, world, listener, secret) -> None:
    [endpoint] = client.v1.webhook_endpoints.list().data
    world.world.act("stripe", "roll_secret", {"endpoint": endpoint.id})

    client.v1.payment_intents.create(INTENT)
    settled(world, "stripe")

    [told] = listener.heard
    signature = told.headers["Stripe-Signature"]
    assert client.construct_event(told.body, signature, secret).id
    assert signature.count("v1=") == 2


def test_a_repeated_call_has_one_effect(client) -> None:
    options = {"idempotency_key": "dep-1"}

    first = client.v1.payment_intents.create(INTENT, options)
    again = client.v1.payment_intents.create(INTENT, options)

    assert first.id == again.id
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    with pytest.raises(stripe.IdempotencyError):
        client.v1.payment_intents.create({**INTENT, "amount": 1000}, options)


def test_refusals_are_told_apart(client) -> None:
    with pytest.raises(stripe.CardError) as declined:
        client.v1.payment_intents.create(
            {**INTENT, "confirm": True, "payment_method": "pm_card_chargeDeclined"}
        )
    assert declined.value.code == "card_declined"
    assert declined.value.request_id

    with pytest.raises(stripe.InvalidRequestError) as missing:
        client.v1.payment_intents.retrieve("pi_0")
    assert (missing.value.http_status, missing.value.code) == (404, "resource_missing")


def test_another_key_is_refused(world) -> None:
    stranger = StripeClient("sk_test_x", base_addresses={"api": world.at("stripe")})

    with pytest.raises(stripe.AuthenticationError):
        stranger.v1.balance.retrieve()


def test_money_is_held_taken_and_given_back(client) -> None:
    held = client.v1.payment_intents.create(
        {**INTENT, **CARD, "capture_method": "manual"}
    )
    assert held.status == "requires_capture"

    taken = client.v1.payment_intents.capture(held.id, {"amount_to_capture": 5000})
    refund = client.v1.refunds.create({"payment_intent": held.id})

    assert (taken.amount_received, refund.amount) == (5000, 5000)
    assert client.v1.charges.retrieve(str(taken.latest_charge)).amount_refunded == 5000


def test_sessions_expire_and_intents_are_canceled(client) -> None:
    session = client.v1.checkout.sessions.create(SESSION)
    intent = client.v1.payment_intents.create(INTENT)

    assert client.v1.checkout.sessions.expire(session.id).status == "expired"
    canceled = client.v1.payment_intents.cancel(
        intent.id, {"cancellation_reason": "abandoned"}
    )
    assert canceled.cancellation_reason == "abandoned"


def test_lists_are_read_to_their_end(client) -> None:
    made = {client.v1.payment_intents.create(INTENT).id for _ in range(5)}

    pages = client.v1.payment_intents.list({"limit": 2}).auto_paging_iter()
    found = client.v1.payment_intents.search({"query": "metadata['visit']:'1'"})
    events = client.v1.events.list({"type": "payment_intent.created"})

    assert {intent.id for intent in pages} == made
    assert {intent.id for intent in found.data} == made
    assert {json.loads(str(each.data.object))["id"] for each in events.data} == made

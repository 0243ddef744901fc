"""The fake Stripe: deposits, refunds, keys that answer once, signed events."""

import hmac
import json
from collections.abc import Sequence
from typing import Any

import pytest

from integrations.sandbox.stripe import KEY, VERSION, Stripe
from integrations.sandbox.wire import Callback, Reply, Request
from tests.integrations.sandbox.calling import NOON, Caller, Clock, basic

HERE = "https://fieldbook.test/api/v1/webhooks/stripe/t0ken"
NOW = int(NOON.timestamp())
SESSIONS, INTENTS = "/v1/checkout/sessions", "/v1/payment_intents"
LINE = "line_items[0]"
SESSION = {
    "mode": "payment",
    "success_url": "https://fieldbook.test/thanks",
    f"{LINE}[quantity]": "1",
    f"{LINE}[price_data][currency]": "usd",
    f"{LINE}[price_data][unit_amount]": "9900",
    f"{LINE}[price_data][product_data][name]": "Deposit",
    "client_reference_id": "visit-1",
    "metadata[visit]": "1",
    "payment_intent_data[metadata][visit]": "1",
    "expires_at": str(NOW + 1800),
}
INTENT = {"amount": "9900", "currency": "usd", "metadata[visit]": "1"}


class Account(Caller):
    """Calls Stripe, and reads what it tells."""

    def post(self, path: str, form: Any = (), **headers: Any) -> Reply:
        return self("POST", path, form=form, **headers)

    def get(self, path: str) -> Any:
        return self("GET", path).json

    def listen(self) -> Any:
        """Have everything told; return the secret."""
        form = {"url": HERE, "enabled_events[]": "*"}
        return self.post("/v1/webhook_endpoints", form).json["secret"]

    def session(self, **given: str) -> Any:
        return self.post(SESSIONS, {**SESSION, **given}).json

    def paid(self, **given: str) -> Any:
        """Return an intent that is paid."""
        form = {**INTENT, "confirm": "true", "payment_method": "pm_card_visa", **given}
        return self.post(INTENTS, form).json["id"]

    @property
    def heard(self) -> list[str]:
        return [json.loads(each.body)["type"] for each in self.told]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def stripe(clock) -> Account:
    return Account(Stripe(clock=clock), authorization=f"Bearer {KEY}")


def types(callbacks: Sequence[Callback]) -> list[str]:
    return [json.loads(each.body)["type"] for each in callbacks]


def test_a_key_opens_by_bearer_or_basic(stripe) -> None:
    assert stripe.get("/v1/account")["id"].startswith("acct_")

    stripe.authorization = basic(KEY, "")
    assert stripe.get("/v1/balance")["livemode"] is False


@pytest.mark.parametrize("given", ["", "Bearer sk_test_other", "Basic ???"])
def test_no_other_key_opens(stripe, given) -> None:
    stripe.authorization = given

    reply = stripe("GET", "/v1/account")

    assert reply.status == 401
    assert reply.json["error"]["type"] == "invalid_request_error"


def test_a_key_is_replaced(stripe) -> None:
    stripe.act("replace_key", key="sk_test_new")

    assert stripe("GET", "/v1/account").status == 401


def test_every_answer_names_its_request_and_the_version(stripe) -> None:
    plain = stripe("GET", "/v1/account")
    pinned = stripe("GET", "/v1/account", stripe_version="2024-06-20")
    refused = stripe("GET", "/v1/visits")

    assert plain.headers["Stripe-Version"] == VERSION
    assert pinned.headers["Stripe-Version"] == "2024-06-20"
    assert refused.status == 404
    ids = {each.headers["Request-Id"] for each in (plain, pinned, refused)}
    assert len(ids) == 3


def test_a_session_is_open_until_somebody_pays(stripe) -> None:
    session = stripe.session(customer_email="ada@example.com")

    assert (session["status"], session["customer_email"]) == (
        "open",
        "ada@example.com",
    )
    assert session["payment_status"] == "unpaid"
    assert session["payment_intent"] is None
    assert session["amount_total"] == 9900
    assert session["url"]
    assert session["metadata"] == {"visit": "1"}
    assert stripe.get(f"{SESSIONS}/{session['id']}") == session


def test_paying_completes_the_session_and_makes_the_intent(stripe) -> None:
    stripe.listen()
    session = stripe.session()

    told = stripe.act("pay", session=session["id"], email="ada@example.com")

    assert types(told) == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
        "checkout.session.completed",
    ]
    paid = stripe.get(f"{SESSIONS}/{session['id']}?expand[]=payment_intent")
    assert (paid["status"], paid["payment_status"]) == ("complete", "paid")
    assert paid["customer_details"]["email"] == "ada@example.com"
    intent = paid["payment_intent"]
    assert (intent["status"], intent["amount_received"]) == ("succeeded", 9900)
    assert intent["metadata"] == {"visit": "1"}
    found = stripe.get(f"{SESSIONS}?payment_intent={intent['id']}")["data"]
    assert [each["id"] for each in found] == [session["id"]]
    assert all(name[0] != "_" for name in found[0])


def test_nobody_pays_twice(stripe) -> None:
    session = stripe.session()["id"]
    stripe.act("pay", session=session)

    with pytest.raises(ValueError, match="complete"):
        stripe.act("pay", session=session)


@pytest.mark.parametrize("card", ["declined", "insufficient_funds", "asks_the_bank"])
def test_a_declined_card_leaves_the_session_open(stripe, card) -> None:
    session = stripe.session()["id"]

    stripe.act("pay", session=session, card=card)
    assert stripe.get(f"{SESSIONS}/{session}")["status"] == "open"
    stripe.act("pay", session=session)

    assert stripe.get(f"{SESSIONS}/{session}")["payment_status"] == "paid"
    assert len(stripe.get(INTENTS)["data"]) == 1


def test_the_intent_of_an_open_session_ends_with_it(stripe) -> None:
    session = stripe.session()["id"]
    stripe.act("pay", session=session, card="declined")
    intent = stripe.get(f"{SESSIONS}/{session}")["payment_intent"]

    for wish in ("cancel", "confirm"):
        assert stripe.post(f"{INTENTS}/{intent}/{wish}").status == 400
    stripe.post(f"{SESSIONS}/{session}/expire")

    assert stripe.get(f"{INTENTS}/{intent}")["status"] == "canceled"


def test_a_decline_is_told_with_its_reason(stripe) -> None:
    stripe.listen()

    told = stripe.act("pay", session=stripe.session()["id"], card="insufficient_funds")

    assert types(told)[-1] == "payment_intent.payment_failed"
    error = json.loads(told[-1].body)["data"]["object"]["last_payment_error"]
    assert error["decline_code"] == "insufficient_funds"


@pytest.mark.parametrize(
    ("good", "status", "event"),
    [
        (True, "paid", "checkout.session.async_payment_succeeded"),
        (False, "unpaid", "checkout.session.async_payment_failed"),
    ],
)
def test_some_payments_take_days(stripe, good, status, event) -> None:
    stripe.listen()
    session = stripe.session()["id"]
    told = stripe.act("pay", session=session, card="later")
    assert types(told)[-2:] == [
        "payment_intent.processing",
        "checkout.session.completed",
    ]
    now = stripe.get(f"{SESSIONS}/{session}")
    assert (now["status"], now["payment_status"]) == ("complete", "unpaid")

    settled = stripe.act("settle", session=session, good=good)

    assert types(settled)[-1] == event
    assert stripe.get(f"{SESSIONS}/{session}")["payment_status"] == status
    with pytest.raises(ValueError, match="not on its way"):
        stripe.act("settle", session=session)


def test_a_session_ends_by_a_call(stripe) -> None:
    stripe.listen()
    session = stripe.session()["id"]

    assert stripe.post(f"{SESSIONS}/{session}/expire").json["status"] == "expired"

    assert stripe.heard == ["checkout.session.expired"]
    assert stripe.post(f"{SESSIONS}/{session}/expire").status == 400
    with pytest.raises(ValueError, match="expired"):
        stripe.act("pay", session=session)


def test_a_session_ends_by_itself(stripe, clock) -> None:
    stripe.listen()
    session = stripe.session()["id"]
    stripe.act("pay", session=session, card="declined")
    clock.wait(seconds=1799)
    assert stripe.act("tick") == []

    clock.wait(seconds=1)

    assert types(stripe.act("tick")) == [
        "payment_intent.canceled",
        "checkout.session.expired",
    ]
    assert stripe.get(f"{SESSIONS}/{session}")["url"] is None


def test_money_may_come_when_the_session_is_over(stripe, clock) -> None:
    session = stripe.session()["id"]
    stripe.act("pay", session=session, card="declined")
    clock.wait(hours=1)

    stripe.act("pay", session=session, late=True)

    assert stripe.get(f"{SESSIONS}/{session}")["payment_status"] == "paid"


@pytest.mark.parametrize(
    ("changes", "param", "code"),
    [
        ({"mode": "subscription"}, "mode", None),
        ({"mode": ""}, "mode", "parameter_missing"),
        ({"success_url": "thanks"}, "success_url", "url_invalid"),
        ({"colour": "red"}, "colour", "parameter_unknown"),
        ({"customer_email": "ada"}, "customer_email", "email_invalid"),
        ({"client_reference_id": "x" * 201}, "client_reference_id", None),
        ({"expires_at": str(NOW + 1799)}, "expires_at", None),
        ({"expires_at": str(NOW + 86401)}, "expires_at", None),
        ({"expires_at": "soon"}, "expires_at", "parameter_invalid_integer"),
        ({"metadata[visit]": "x" * 501}, "metadata[visit]", None),
        ({f"metadata[{'k' * 41}]": "x"}, f"metadata[{'k' * 41}]", None),
        ({f"metadata[{n}x]": "x" for n in range(50)}, "metadata", None),
        (
            {f"{LINE}[quantity]": "one"},
            f"{LINE}[quantity]",
            "parameter_invalid_integer",
        ),
        (
            {f"{LINE}[price_data][unit_amount]": "12.50"},
            f"{LINE}[price_data][unit_amount]",
            "parameter_invalid_integer",
        ),
        (
            {f"{LINE}[price_data][product_data][name]": ""},
            f"{LINE}[price_data][product_data][name]",
            "parameter_missing",
        ),
        ({f"{LINE}[quantity]": "0"}, f"{LINE}[quantity]", "parameter_invalid_integer"),
        ({"payment_intent_data": "x"}, "payment_intent_data", None),
        ({"line_items[1]": "x"}, "line_items[1]", None),
        ({"cancel_url[x]": "1"}, "cancel_url", "url_invalid"),
        ({f"{LINE}[colour]": "red"}, f"{LINE}[colour]", "parameter_unknown"),
        ({f"{LINE}[price_data][unit_amount]": "10"}, "line_items", "amount_too_small"),
        (
            {"payment_intent_data[metadata]": "x"},
            "payment_intent_data[metadata]",
            None,
        ),
    ],
)
def test_a_session_of_another_form_is_refused(stripe, changes, param, code) -> None:
    reply = stripe.post(SESSIONS, {**SESSION, **changes})

    assert reply.status == 400
    assert reply.json["error"]["param"] == param
    assert reply.json["error"].get("code") == code


def test_lines_are_added_up_in_one_currency(stripe) -> None:
    more = {
        name.replace("[0]", "[1]"): SESSION[name] for name in SESSION if LINE in name
    }

    assert stripe.session(**more)["amount_total"] == 19800
    more["line_items[1][price_data][currency]"] = "eur"
    assert stripe.post(SESSIONS, {**SESSION, **more}).status == 400


def test_an_intent_is_paid_in_the_browser(stripe) -> None:
    stripe.listen()
    intent = stripe.post(INTENTS, INTENT).json
    assert intent["status"] == "requires_payment_method"
    assert intent["client_secret"].startswith(f"{intent['id']}_secret_")

    stripe.act("confirm", payment_intent=intent["id"], card="declined")
    stripe.act("confirm", payment_intent=intent["id"])

    assert stripe.heard == [
        "payment_intent.created",
        "payment_intent.payment_failed",
        "charge.succeeded",
        "payment_intent.succeeded",
    ]


def test_a_declined_card_is_402(stripe) -> None:
    intent = stripe.post(INTENTS, INTENT).json["id"]

    form = {"payment_method": "pm_card_chargeDeclined"}
    reply = stripe.post(f"{INTENTS}/{intent}/confirm", form)

    error = reply.json["error"]
    assert (reply.status, error["type"], error["code"]) == (
        402,
        "card_error",
        "card_declined",
    )
    assert error["payment_intent"]["status"] == "requires_payment_method"


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"payment_method": "pm_card_visa"}, "succeeded"),
        ({"payment_method": "pm_card_authenticationRequired"}, "requires_action"),
        ({"payment_method": "pm_usBankAccount"}, "processing"),
    ],
)
def test_an_intent_is_confirmed_by_a_call(stripe, form, status) -> None:
    intent = stripe.post(INTENTS, INTENT).json["id"]

    assert stripe.post(f"{INTENTS}/{intent}/confirm", form).json["status"] == status


def test_no_intent_is_paid_without_a_card_that_there_is(stripe) -> None:
    intent = stripe.post(INTENTS, INTENT).json["id"]
    path = f"{INTENTS}/{intent}/confirm"

    assert stripe.post(path).status == 400
    unknown = stripe.post(path, {"payment_method": "pm_gold"}).json["error"]
    assert unknown["code"] == "resource_missing"


def test_money_is_held_and_taken_in_part(stripe) -> None:
    stripe.listen()
    intent = stripe.paid(capture_method="manual")
    held = stripe.get(f"{INTENTS}/{intent}")
    assert (held["status"], held["amount_capturable"]) == ("requires_capture", 9900)
    assert stripe.heard[-1] == "payment_intent.amount_capturable_updated"
    path = f"{INTENTS}/{intent}/capture"
    too_much = stripe.post(path, {"amount_to_capture": "9901"}).json["error"]
    assert too_much["code"] == "amount_too_large"

    taken = stripe.post(path, {"amount_to_capture": "4000"}).json

    assert (taken["status"], taken["amount_received"]) == ("succeeded", 4000)
    assert stripe.heard[-2:] == ["charge.captured", "payment_intent.succeeded"]
    again = stripe.post(path).json["error"]
    assert again["code"] == "payment_intent_unexpected_state"


def test_what_is_held_is_let_go(stripe) -> None:
    intent = stripe.paid(capture_method="manual")
    refund = stripe.post("/v1/refunds", {"payment_intent": intent})
    assert refund.status == 400

    form = {"cancellation_reason": "requested_by_customer"}
    canceled = stripe.post(f"{INTENTS}/{intent}/cancel", form).json

    assert (canceled["status"], canceled["amount_capturable"]) == ("canceled", 0)
    assert stripe.post(f"{INTENTS}/{intent}/cancel").status == 400


def test_what_is_paid_is_not_canceled(stripe) -> None:
    reply = stripe.post(f"{INTENTS}/{stripe.paid()}/cancel")

    assert reply.json["error"]["code"] == "payment_intent_unexpected_state"
    assert reply.json["error"]["payment_intent"]["status"] == "succeeded"


def test_an_intent_is_changed_until_it_is_paid(stripe) -> None:
    intent = stripe.post(INTENTS, INTENT).json["id"]
    path = f"{INTENTS}/{intent}"

    changed = stripe.post(path, {"amount": "5000", "metadata[crew]": "2"}).json
    assert changed["amount"] == 5000
    assert changed["metadata"] == {"visit": "1", "crew": "2"}
    assert stripe.post(path, {"metadata[crew]": ""}).json["metadata"] == {"visit": "1"}

    stripe.act("confirm", payment_intent=intent)
    assert stripe.post(path, {"amount": "1000"}).status == 400
    assert stripe.post(f"{path}/confirm").status == 400
    full = {f"metadata[k{number}]": "x" for number in range(50)}
    assert stripe.post(path, full).status == 400
    assert stripe.post(path, {"metadata": ""}).json["metadata"] == {}


@pytest.mark.parametrize(
    ("form", "param"),
    [
        ({"currency": "usd"}, "amount"),
        ({"amount": "9900"}, "currency"),
        ({**INTENT, "amount": "49"}, "amount"),
        ({**INTENT, "amount": "100000000"}, "amount"),
        ({**INTENT, "currency": "dollars"}, "currency"),
        ({**INTENT, "confirm": "yes"}, "confirm"),
        ({**INTENT, "capture_method": "later"}, "capture_method"),
        ({**INTENT, "metadata": "visit"}, "metadata"),
        ({**INTENT, "amount[x]": "1"}, "amount[x]"),
        ({**INTENT, "description[x]": "1"}, "description"),
    ],
)
def test_an_intent_of_another_form_is_refused(stripe, form, param) -> None:
    reply = stripe.post(INTENTS, form)

    assert (reply.status, reply.json["error"]["param"]) == (400, param)


def test_money_goes_back_in_parts_but_not_twice(stripe) -> None:
    stripe.listen()
    intent = stripe.paid()
    part = {"payment_intent": intent, "amount": "4000", "metadata[why]": "late"}

    first = stripe.post("/v1/refunds", part).json
    assert (first["amount"], first["status"]) == (4000, "succeeded")
    assert stripe.heard[-2:] == ["refund.created", "charge.refunded"]
    too_much = stripe.post("/v1/refunds", {"payment_intent": intent, "amount": "5901"})
    assert too_much.json["error"]["param"] == "amount"

    rest = stripe.post("/v1/refunds", {"payment_intent": intent}).json
    assert rest["amount"] == 5900
    again = stripe.post("/v1/refunds", {"payment_intent": intent}).json["error"]
    assert again["code"] == "charge_already_refunded"
    found = stripe.get(f"/v1/refunds?payment_intent={intent}")["data"]
    assert [each["amount"] for each in found] == [5900, 4000]
    changed = stripe.post(f"/v1/refunds/{first['id']}", {"metadata[by]": "ada"}).json
    assert changed["metadata"] == {"why": "late", "by": "ada"}


def test_a_refund_needs_something_that_was_paid(stripe) -> None:
    unpaid = stripe.post(INTENTS, INTENT).json["id"]

    assert stripe.post("/v1/refunds").json["error"]["code"] == "parameter_missing"
    missing = stripe.post("/v1/refunds", {"payment_intent": "pi_0"})
    assert (missing.status, missing.json["error"]["code"]) == (404, "resource_missing")
    assert stripe.post("/v1/refunds", {"payment_intent": unpaid}).status == 400
    charge = stripe.get(f"{INTENTS}/{stripe.paid()}")["latest_charge"]
    assert stripe.post("/v1/refunds", {"charge": charge}).status == 200


def test_the_dashboard_gives_money_back_and_banks_refuse_it(stripe) -> None:
    stripe.listen()
    intent = stripe.paid()
    stripe.act("refund", payment_intent=intent, amount=1000)
    [refund] = stripe.get("/v1/refunds")["data"]

    told = stripe.act("fail_refund", refund=refund["id"])

    assert types(told) == ["refund.updated", "refund.failed"]
    charge = stripe.get(f"/v1/charges/{refund['charge']}")
    assert (charge["amount_refunded"], charge["refunded"]) == (0, False)


@pytest.mark.parametrize(("won", "status"), [(True, "won"), (False, "lost")])
def test_a_disputed_charge_is_not_refunded(stripe, won, status) -> None:
    stripe.listen()
    intent = stripe.paid()
    told = stripe.act("dispute", payment_intent=intent)
    assert types(told) == ["charge.dispute.created"]
    refund = stripe.post("/v1/refunds", {"payment_intent": intent})
    assert refund.json["error"]["code"] == "charge_disputed"

    [dispute] = stripe.get(f"/v1/disputes?payment_intent={intent}")["data"]
    stripe.act("close_dispute", dispute=dispute["id"], won=won)

    assert stripe.heard[-1] == "charge.dispute.closed"
    assert stripe.get(f"/v1/disputes/{dispute['id']}")["status"] == status


def test_the_same_key_answers_once_and_the_same(stripe) -> None:
    stripe.listen()
    first = stripe.post(INTENTS, INTENT, idempotency_key="dep-1")
    stripe.act("confirm", payment_intent=first.json["id"])
    heard = len(stripe.heard)

    turned = dict(reversed(INTENT.items()))
    again = stripe.post(INTENTS, turned, idempotency_key="dep-1")

    assert (again.status, again.json) == (first.status, first.json)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["Original-Request"] == first.headers["Request-Id"]
    assert again.headers["Request-Id"] != first.headers["Request-Id"]
    assert len(stripe.get(INTENTS)["data"]) == 1
    assert len(stripe.heard) == heard


@pytest.mark.parametrize(
    ("path", "form"), [(INTENTS, {**INTENT, "amount": "5000"}), (SESSIONS, INTENT)]
)
def test_the_same_key_with_something_else_is_refused(stripe, path, form) -> None:
    stripe.post(INTENTS, INTENT, idempotency_key="dep-1")

    reply = stripe.post(path, form, idempotency_key="dep-1")

    assert reply.status == 400
    assert reply.json["error"]["type"] == "idempotency_error"


def test_a_refusal_for_the_form_is_not_kept(stripe) -> None:
    assert stripe.post(INTENTS, {"amount": "1"}, idempotency_key="dep-1").status == 400

    assert stripe.post(INTENTS, INTENT, idempotency_key="dep-1").status == 200


def test_a_refusal_of_the_work_is_kept(stripe) -> None:
    intent = stripe.post(INTENTS, INTENT).json["id"]
    refund = {"payment_intent": intent}
    assert stripe.post("/v1/refunds", refund, idempotency_key="ref-1").status == 400
    stripe.act("confirm", payment_intent=intent)

    assert stripe.post("/v1/refunds", refund, idempotency_key="ref-1").status == 400
    assert stripe.post("/v1/refunds", refund, idempotency_key="ref-2").status == 200


def test_a_key_is_kept_for_a_day(stripe, clock) -> None:
    stripe.post(INTENTS, INTENT, idempotency_key="dep-1")
    clock.wait(hours=23)
    assert stripe.post(INTENTS, INTENT, idempotency_key="dep-1").headers[
        "Idempotent-Replayed"
    ]

    clock.wait(hours=2)
    stripe.post(INTENTS, INTENT, idempotency_key="dep-1")

    assert len(stripe.get(INTENTS)["data"]) == 2
    assert stripe.post(INTENTS, INTENT, idempotency_key="x" * 256).status == 400


def test_lists_have_pages_and_the_newest_first(stripe) -> None:
    made = [stripe.post(INTENTS, INTENT).json["id"] for _ in range(5)][::-1]

    def page(query: str) -> tuple[list[str], bool]:
        found = stripe.get(f"{INTENTS}?{query}")
        return [each["id"] for each in found["data"]], found["has_more"]

    assert page("limit=2") == (made[:2], True)
    assert page(f"limit=3&starting_after={made[1]}") == (made[2:], False)
    assert page(f"limit=2&ending_before={made[3]}") == (made[1:3], True)
    assert stripe("GET", f"{INTENTS}?limit=101").status == 400
    assert stripe("GET", f"{INTENTS}?starting_after=pi_0").status == 400
    assert stripe("GET", f"{INTENTS}?colour=red").status == 400


def test_events_are_listed_by_type_and_time(stripe, clock) -> None:
    first = stripe.paid()
    clock.wait(minutes=1)
    stripe.paid()

    def events(query: str) -> Any:
        return stripe.get(f"/v1/events?{query}")["data"]

    succeeded = events("type=payment_intent.succeeded")
    assert len(succeeded) == 2
    assert succeeded[1]["data"]["object"]["id"] == first
    assert stripe.get(f"/v1/events/{succeeded[0]['id']}") == succeeded[0]
    later = events(f"type=payment_intent.succeeded&created[gte]={NOW + 1}")
    assert later == succeeded[:1]
    assert events(f"type=payment_intent.succeeded&created={NOW}") == succeeded[1:]
    both = events("types[]=payment_intent.succeeded&types[]=charge.succeeded")
    assert len(both) == 4
    assert stripe("GET", "/v1/events?created[near]=1").status == 400


def test_a_search_is_a_little_behind(clock) -> None:
    late = Account(Stripe(clock=clock, search_lag=60), authorization=f"Bearer {KEY}")
    late.paid()
    path = f"{INTENTS}/search?query=metadata['visit']:'1'"
    assert late.get(path)["data"] == []

    clock.wait(minutes=1)

    assert len(late.get(path)["data"]) == 1


def test_a_body_that_is_no_text_is_refused(stripe) -> None:
    request = Request(
        method="POST",
        path=INTENTS,
        query="",
        headers={"authorization": f"Bearer {KEY}"},
        body=b"\xff",
    )

    assert stripe.vendor.handle(request)[0].status == 400


def test_intents_are_found_by_our_notes(stripe) -> None:
    mine = stripe.paid()
    stripe.paid(**{"metadata[visit]": "2"})
    stripe.post(INTENTS, INTENT)

    def found(query: str) -> list[str]:
        answer = stripe.get(f"{INTENTS}/search?query={query}")
        return [each["id"] for each in answer["data"]]

    assert found("metadata['visit']:'1'%20AND%20status:'succeeded'") == [mine]
    assert found('metadata["visit"]:"3"') == []
    assert len(found("currency:'usd'")) == 3
    page = stripe.get(f"{INTENTS}/search?query=currency:'usd'&limit=2")
    assert page["has_more"]
    rest = stripe.get(
        f"{INTENTS}/search?query=currency:'usd'&limit=2&page={page['next_page']}"
    )
    assert len(rest["data"]) == 1
    assert stripe("GET", f"{INTENTS}/search?query=all").status == 400


def test_objects_are_shown_in_full_where_asked_for(stripe) -> None:
    intent = stripe.paid()

    whole = stripe.get(f"{INTENTS}/{intent}?expand[]=latest_charge")
    listed = stripe.get(f"{INTENTS}?expand[]=data.latest_charge")["data"][0]

    assert whole["latest_charge"]["object"] == "charge"
    assert listed == whole
    deep = stripe.get(f"{INTENTS}/{intent}?expand[]=latest_charge.payment_intent")
    assert deep["latest_charge"]["payment_intent"]["id"] == intent
    assert stripe("GET", f"{INTENTS}/{intent}?expand[]=colour").status == 400


def test_an_event_is_signed_over_its_time_and_bytes(stripe) -> None:
    secret = stripe.listen()
    stripe.post(INTENTS, INTENT, idempotency_key="dep-1")

    [told] = stripe.told
    expected = hmac.new(secret.encode(), f"{NOW}.".encode() + told.body, "sha256")
    assert told.headers["Stripe-Signature"] == f"t={NOW},v1={expected.hexdigest()}"
    event = json.loads(told.body)
    assert event["request"]["idempotency_key"] == "dep-1"
    assert (event["livemode"], event["pending_webhooks"]) == (False, 1)


def test_two_secrets_sign_while_one_is_rolled(stripe, clock) -> None:
    old = stripe.listen()
    [endpoint] = stripe.get("/v1/webhook_endpoints")["data"]
    stripe.act("roll_secret", endpoint=endpoint["id"], keep_seconds=3600)

    [told] = [stripe.post(INTENTS, INTENT) and stripe.told[-1]]
    signed = told.headers["Stripe-Signature"]
    expected = hmac.new(old.encode(), f"{NOW}.".encode() + told.body, "sha256")
    assert signed.count("v1=") == 2
    assert expected.hexdigest() in signed

    clock.wait(hours=1)
    stripe.post(INTENTS, INTENT)
    assert stripe.told[-1].headers["Stripe-Signature"].count("v1=") == 1


def test_an_endpoint_is_set_by_hand_with_a_secret_of_ours(stripe) -> None:
    secret = "whsec_ours"
    events = ["payment_intent.created"]
    stripe.act("set_webhook", url=HERE, secret=secret, events=events)
    stripe.paid()

    [told] = stripe.told
    expected = hmac.new(secret.encode(), f"{NOW}.".encode() + told.body, "sha256")
    assert told.headers["Stripe-Signature"] == f"t={NOW},v1={expected.hexdigest()}"


def test_an_endpoint_tells_its_secret_once_and_hears_what_it_wants(stripe) -> None:
    form = {"url": HERE, "enabled_events[0]": "payment_intent.succeeded"}
    made = stripe.post("/v1/webhook_endpoints", form).json
    path = f"/v1/webhook_endpoints/{made['id']}"
    assert made["secret"].startswith("whsec_")
    assert "secret" not in stripe.get(path)

    stripe.paid()
    assert stripe.heard == ["payment_intent.succeeded"]

    assert stripe.post(path, {"disabled": "true"}).json["status"] == "disabled"
    stripe.paid()
    assert len(stripe.heard) == 1
    assert stripe.post(path, {"description": "Ours"}).json["description"] == "Ours"
    assert stripe("DELETE", path).json["deleted"] is True
    assert stripe("GET", path).status == 404


@pytest.mark.parametrize(
    ("form", "param"),
    [
        ({"url": HERE}, "enabled_events"),
        ({"enabled_events[]": "*"}, "url"),
        ({"url": HERE, "enabled_events": "*"}, "enabled_events"),
    ],
)
def test_an_endpoint_of_another_form_is_refused(stripe, form, param) -> None:
    reply = stripe.post("/v1/webhook_endpoints", form)

    assert reply.json["error"]["param"] == param


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("dance", {}),
        ("pay", {"session": "cs_0"}),
        ("pay", {}),
        ("confirm", {"payment_intent": "pi_0"}),
    ],
)
def test_acts_that_make_no_sense_are_refused(stripe, name, arguments) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        stripe.act(name, **arguments)


@pytest.mark.parametrize("act", ["pay", "confirm"])
def test_cards_have_names(stripe, act) -> None:
    of = {
        "pay": {"session": stripe.session()["id"]},
        "confirm": {"payment_intent": stripe.post(INTENTS, INTENT).json["id"]},
    }

    with pytest.raises(ValueError, match="insufficient_funds"):
        stripe.act(act, card="gold", **of[act])


def test_a_session_is_closed_in_the_dashboard(stripe) -> None:
    session = stripe.session()["id"]

    stripe.act("expire", session=session)

    assert stripe.get(f"{SESSIONS}/{session}")["status"] == "expired"


def test_it_forgets_everything(stripe) -> None:
    stripe.post(INTENTS, INTENT, idempotency_key="dep-1")
    assert len(stripe.vendor.state()["payment_intent"]) == 1

    stripe.vendor.clear()

    assert not any(stripe.vendor.state().values())
    assert "Idempotent-Replayed" not in (
        stripe.post(INTENTS, INTENT, idempotency_key="dep-1").headers
    )

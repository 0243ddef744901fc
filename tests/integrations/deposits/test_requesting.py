"""The page to pay on: one for a hold, whatever happens on the way."""

from datetime import datetime
from urllib.parse import urlencode

import pytest
from django.db import connection as database
from django.utils import timezone

from appointments.models import Appointment, Hold
from core.actors import Role
from core.models import Event, OutboxMessage
from integrations.connectors.stripe import Stripe, payments, wire
from integrations.connectors.stripe.payments import Ask
from integrations.models import Connection, ConnectionState, Deposit, DepositState
from integrations.sandbox.faults import Kind
from integrations.services.calling import caller_for
from tests.factories import make_user
from tests.integrations.deposits.conftest import DEPOSIT, EIGHT, TEN
from tests.integrations.sandbox.contract.openapi import assert_matches_openapi

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_held_slot_has_a_page_to_pay_on(checkout) -> None:
    checkout.keep()
    answer = checkout.ask()

    assert answer.status_code == 201
    said = answer.json()
    (session,) = checkout.kept("checkout.session")
    assert said["url"] == session["url"]
    assert (said["state"], said["amount_cents"], said["currency"]) == (
        "requested",
        DEPOSIT,
        "USD",
    )
    assert session["amount_total"] == DEPOSIT
    assert session["metadata"]["deposit_id"] == said["id"]
    assert session["metadata"]["hold_id"] == checkout.hold["id"]
    assert session["client_reference_id"] == said["id"]
    assert session["customer_email"] == "ada@example.com"
    left = session["expires_at"] - timezone.now().timestamp()
    assert 30 * 60 < left < 35 * 60
    hold = Hold.objects.get()
    assert session["expires_at"] < hold.expires_at.timestamp()
    assert not Appointment.objects.exists()
    assert Event.objects.filter(name="deposit.requested").count() == 1


def test_nobody_books_around_a_deposit(checkout) -> None:
    checkout.keep()

    answer = checkout.book_unpaid()

    assert answer.status_code == 422
    assert answer.json()["code"] == "deposit_required"
    assert answer.json()["amount_cents"] == DEPOSIT
    assert not Appointment.objects.exists()
    assert Hold.objects.exists()


def test_a_company_that_takes_no_payments_loses_no_bookings(checkout) -> None:
    checkout.keep()
    Connection.objects.update(state=ConnectionState.PAUSED)

    answer = checkout.book_unpaid()

    assert answer.status_code == 201, answer.content


def test_asked_again_it_is_the_same_page(checkout) -> None:
    checkout.keep()

    first, second = checkout.ask().json(), checkout.ask().json()

    assert first == second
    assert len(checkout.kept("checkout.session")) == 1
    assert Event.objects.filter(name="deposit.requested").count() == 1


@pytest.mark.parametrize("kind", [Kind.CUT_BEFORE, Kind.ERROR, Kind.THROTTLE])
def test_a_call_that_came_to_nothing_is_a_503_and_the_slot_stands(
    checkout, kind
) -> None:
    checkout.keep()
    checkout.fault(kind, count=1, method="POST")

    answer = checkout.ask()

    assert answer.status_code == 503
    assert answer.json()["code"] == "payments_unavailable"
    assert Hold.objects.filter(pk=checkout.hold["id"]).exists()
    assert checkout.ask().status_code == 201
    assert len(checkout.kept("checkout.session")) == 1


def test_an_account_that_cannot_be_reached_leaves_nothing_open(checkout) -> None:
    checkout.keep()
    checkout.connection.settings = {"hosts": {"api": "http://127.0.0.1:9"}}
    checkout.connection.save()

    answer = checkout.ask()

    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert set(Deposit.objects.values_list("state", flat=True)) == {"failed"}
    checkout.connection.settings = {"hosts": {"api": checkout.world.at("stripe")}}
    checkout.connection.save()
    assert checkout.ask().status_code == 201


@pytest.mark.parametrize("kind", [Kind.CUT_AFTER, Kind.TRUNCATED, Kind.GARBAGE])
def test_a_lost_answer_makes_no_second_page(checkout, kind) -> None:
    checkout.keep()
    checkout.fault(kind, count=1, method="POST")

    assert checkout.ask().status_code == 503
    (session,) = checkout.kept("checkout.session")
    answer = checkout.ask()

    assert answer.status_code == 201
    assert answer.json()["url"] == session["url"]
    assert len(checkout.kept("checkout.session")) == 1
    assert Deposit.objects.get().session_id == session["id"]


def test_a_page_whose_answer_was_lost_is_closed_with_the_hold(checkout) -> None:
    checkout.keep()
    checkout.fault(Kind.CUT_AFTER, count=1, method="POST")
    checkout.ask()
    checkout.let_the_hold_end()

    checkout.work()

    (session,) = checkout.kept("checkout.session")
    assert session["status"] == "expired"
    assert Deposit.objects.get().state == DepositState.EXPIRED


def test_a_page_that_never_was_ends_with_the_hold(checkout) -> None:
    checkout.keep()
    checkout.fault(Kind.CUT_BEFORE, count=1, method="POST")
    checkout.ask()
    checkout.let_the_hold_end()

    checkout.work()

    assert checkout.kept("checkout.session") == []
    assert Deposit.objects.get().state == DepositState.FAILED


def test_letting_the_slot_go_closes_the_page(checkout) -> None:
    deposit = checkout.asked()
    checkout.client.delete(
        f"/api/v1/holds/{checkout.hold['id']}",
        headers={"X-Hold-Token": checkout.token},
    )

    checkout.work()
    checkout.work()

    deposit.refresh_from_db()
    assert deposit.state == DepositState.EXPIRED
    assert checkout.kept("checkout.session")[0]["status"] == "expired"
    assert OutboxMessage.objects.filter(kind="expire_session").count() == 1
    checkout.hear()
    assert Event.objects.filter(name="deposit.expired").count() == 1


def test_a_page_stays_open_as_long_as_the_slot_is_held(checkout) -> None:
    deposit = checkout.asked()

    checkout.work()

    deposit.refresh_from_db()
    assert deposit.state == DepositState.REQUESTED
    assert not OutboxMessage.objects.filter(kind="expire_session").exists()


def test_paid_while_we_close_the_page_is_heard_at_once(checkout) -> None:
    deposit = checkout.asked()
    checkout.fault(Kind.LOST_CALLBACKS)
    checkout.pay(deposit)
    checkout.let_the_hold_end()

    checkout.work()

    deposit.refresh_from_db()
    assert deposit.state == DepositState.PAID
    checkout.hear()
    assert Appointment.objects.count() == 1


def test_nobody_pays_for_what_could_not_be_booked(checkout) -> None:
    checkout.keep()
    checkout.lead.postal_code = "85001"
    checkout.lead.save()

    answer = checkout.ask()

    assert answer.status_code == 422, answer.content
    assert checkout.kept("checkout.session") == []
    assert not Deposit.objects.exists()


def test_the_trial_leaves_no_trace(checkout) -> None:
    checkout.asked()

    checkout.lead.refresh_from_db()
    assert checkout.lead.status == "new"
    assert Hold.objects.get().assignments.count() == 1
    assert not Event.objects.filter(name="appointment.booked").exists()


def test_the_office_asks_for_a_customer_whom_it_knows(checkout, api_as) -> None:
    branch = checkout.company.branch
    checkout.client = api_as(make_user(Role.DISPATCHER, locations=[branch]))
    fields = {
        "service": checkout.company.service.code,
        "postal_code": "85004",
        "starts_at": EIGHT,
    }
    checkout.hold = checkout.client.post("/api/v1/holds", fields, format="json").json()
    checkout.token = checkout.hold["token"]
    address = checkout.company.property
    form = {
        "service": checkout.company.service.code,
        "starts_at": EIGHT,
        "property": str(address.pk),
        "success_url": "https://example.com/",
        "notes": "Gate 7",
    }

    answer = checkout.client.post(
        "/api/v1/deposits",
        form,
        format="json",
        headers={"X-Hold-Token": checkout.token},
    )
    assert answer.status_code == 201, answer.content
    checkout.pay(Deposit.objects.get())
    checkout.hear()

    visit = Appointment.objects.get()
    assert (visit.property, visit.notes, visit.source) == (address, "Gate 7", "staff")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"starts_at": TEN}, "hold_mismatch"),
        ({"success_url": "javascript:alert(1)"}, "invalid"),
        ({"success_url": "https://user@example.com/"}, "invalid"),
    ],
)
def test_what_does_not_fit_the_hold_is_refused(checkout, change, code) -> None:
    checkout.keep()

    answer = checkout.ask(**change)

    assert answer.json()["code"] == code
    assert not Deposit.objects.exists()


def test_in_production_a_browser_is_sent_to_pages_that_we_trust(
    checkout, settings
) -> None:
    checkout.keep()
    settings.PRODUCTION = True
    settings.CORS_ALLOWED_ORIGINS = ["https://ours.example"]

    stranger = checkout.ask()
    ours = {
        "success_url": "https://ours.example/thanks",
        "cancel_url": "https://ours.example/book",
    }

    assert stranger.status_code == 400
    assert {fault["code"] for fault in stranger.json()["errors"]} == {"untrusted_url"}
    assert checkout.ask(**ours).status_code == 201


def test_a_service_without_a_deposit_asks_for_none(checkout) -> None:
    checkout.company.service.deposit_cents = 0
    checkout.company.service.save()
    checkout.keep()

    assert checkout.ask().json()["code"] == "no_deposit_asked"


def test_a_hold_that_is_over_has_no_page(checkout) -> None:
    checkout.keep()
    checkout.let_the_hold_end()

    answer = checkout.ask()

    assert (answer.status_code, answer.json()["code"]) == (410, "hold_expired")


@pytest.mark.parametrize("state", ["paused", "needs_attention"])
def test_an_account_that_is_set_aside_takes_no_money(checkout, state) -> None:
    checkout.keep()
    checkout.connection.state = ConnectionState(state)
    checkout.connection.attention = "Look." if state == "needs_attention" else ""
    checkout.connection.save()

    assert checkout.ask().status_code == 503
    assert not Deposit.objects.exists()


def test_a_refused_key_sets_the_account_aside(checkout) -> None:
    checkout.keep()
    checkout.act("replace_key", key="sk_test_another")

    assert checkout.ask().status_code == 503

    checkout.connection.refresh_from_db()
    assert checkout.connection.state == ConnectionState.NEEDS_ATTENTION
    assert Deposit.objects.get().state == DepositState.FAILED


def test_no_transaction_is_open_while_stripe_is_asked(checkout, monkeypatch) -> None:
    seen = []

    def watching(call, ask):
        seen.append(database.in_atomic_block)
        return opened(call, ask)

    opened = payments.open_page
    monkeypatch.setattr(payments, "open_page", watching)
    checkout.asked()

    assert seen == [False]


def test_a_connection_can_be_tried_out(checkout) -> None:
    assert "test money" in Stripe().check(caller_for(checkout.connection))


def test_what_is_sent_is_what_the_vendor_describes(checkout) -> None:
    sent = []
    real = wire.form_of

    def noting(body):
        sent.append(real(body))
        return sent[-1]

    ask = Ask(
        key="dep-1",
        reference="1",
        name="Deposit",
        amount=5000,
        currency="USD",
        success_url="https://example.com/",
        cancel_url="",
        expires_at=datetime.fromtimestamp(
            int(timezone.now().timestamp()) + 1900, tz=timezone.get_default_timezone()
        ),
        notes={"deposit_id": "1"},
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wire, "form_of", noting)
        call = caller_for(checkout.connection)
        page = payments.open_page(call, ask)
        checkout.act("pay", session=page.id)
        (intent,) = checkout.kept("payment_intent")
        payments.refund(call, intent_id=intent["id"], amount=100, key="r", notes={})

    opening, refund = sent
    assert opening["payment_intent_data[metadata][deposit_id]"] == "1"
    assert "cancel_url" not in opening
    for path, form in (("checkout/sessions", opening), ("refunds", refund)):
        assert_matches_openapi(
            "stripe", "POST", f"/v1/{path}", urlencode(form).encode()
        )

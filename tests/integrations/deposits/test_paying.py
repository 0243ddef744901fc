"""Paid in time, late, twice, in disorder, tampered with: the visit is booked once."""

from datetime import timedelta

import pytest
from django.utils import timezone

from appointments.models import Appointment, Hold
from appointments.rules.states import Status
from appointments.services import BookingRequest, book, reschedule
from core.actors import SYSTEM
from core.models import Event
from integrations.connectors.stripe import events, reading
from integrations.models import Deposit, DepositState, InboundEvent, InboundState
from integrations.sandbox.faults import Kind
from integrations.services.calling import caller_for
from integrations.services.sync import poll_connection
from tests.factories import TOMORROW, local, make_property
from tests.integrations.deposits.conftest import DEPOSIT, SECRET, take_in_all
from tests.integrations.inbox.callers import stripe

pytestmark = pytest.mark.django_db(transaction=True)


def told(name: str) -> int:
    return Event.objects.filter(name=name).count()


def somebody_else_books(checkout, hour: int = 8) -> Appointment:
    return book(
        request=BookingRequest(
            service=checkout.company.service,
            property=make_property(postal_code="85004"),
            starts_at=local(TOMORROW, hour),
        ),
        actor=SYSTEM,
        now=timezone.now(),
    )


def test_paid_in_time_is_booked_once(checkout) -> None:
    deposit = checkout.asked()
    assert checkout.look(deposit).json()["state"] == "requested"

    checkout.pay(deposit)
    states = checkout.hear()

    deposit.refresh_from_db()
    visit = Appointment.objects.get()
    assert deposit.state == DepositState.PAID
    assert deposit.appointment == visit
    assert visit.window_starts_at == local(TOMORROW, 8)
    assert (visit.status, visit.lead) == (Status.SCHEDULED, checkout.lead)
    assert visit.assignments.get().technician == checkout.company.technician
    assert not Hold.objects.exists()
    assert InboundState.PROCESSED in states
    assert set(states) <= {"processed", "stale", "ignored"}
    assert (told("deposit.paid"), told("appointment.booked")) == (1, 1)


def test_the_one_who_paid_may_look_and_others_may_not(checkout) -> None:
    deposit = checkout.asked()
    checkout.pay(deposit)
    checkout.hear()

    seen = checkout.look(deposit).json()
    checkout.token = "another"
    assert checkout.look(deposit).status_code == 404

    assert (seen["state"], seen["url"]) == ("paid", None)
    assert seen["appointment"] == str(Appointment.objects.get().pk)
    assert seen["received_cents"] == DEPOSIT


def test_a_declined_card_leaves_the_page_open(checkout) -> None:
    deposit = checkout.asked()

    checkout.pay(deposit, card="declined")
    checkout.hear()
    deposit.refresh_from_db()
    assert deposit.state == DepositState.REQUESTED
    checkout.pay(deposit)
    checkout.hear()

    deposit.refresh_from_db()
    assert deposit.state == DepositState.PAID


def test_coming_back_from_the_page_proves_nothing(checkout) -> None:
    deposit = checkout.asked()

    seen = checkout.look(deposit).json()

    assert seen["state"] == "requested"
    assert not Appointment.objects.exists()


def test_paid_late_and_still_free_is_booked(checkout) -> None:
    deposit = checkout.asked()
    checkout.pay(deposit)
    checkout.arrive()
    checkout.let_the_hold_end()

    checkout.hear()

    deposit.refresh_from_db()
    assert deposit.state == DepositState.PAID
    assert Appointment.objects.get() == deposit.appointment
    assert not Hold.objects.exists()


def test_paid_late_and_taken_goes_back_once(checkout) -> None:
    deposit = checkout.asked()
    checkout.pay(deposit)
    checkout.arrive()
    checkout.let_the_hold_end()
    taken = somebody_else_books(checkout)

    checkout.hear()
    deposit.refresh_from_db()
    assert deposit.state == DepositState.REFUND_DUE
    checkout.work()
    checkout.hear()
    checkout.work()

    deposit.refresh_from_db()
    assert Appointment.objects.get() == taken
    assert deposit.state == DepositState.REFUNDED
    (refund,) = checkout.kept("refund")
    assert (refund["amount"], refund["id"]) == (DEPOSIT, deposit.refund_id)
    assert (told("deposit.refund_due"), told("deposit.refunded")) == (1, 1)
    assert told("deposit.paid") == 0
    checkout.lead.refresh_from_db()
    assert checkout.lead.status == "new"


def test_callbacks_that_come_twice_and_in_any_order(checkout) -> None:
    checkout.fault(Kind.DISORDERED_CALLBACKS)
    checkout.fault(Kind.DUPLICATE_CALLBACKS, times=3)
    deposit = checkout.asked()

    checkout.pay(deposit)
    checkout.hear()

    deposit.refresh_from_db()
    assert deposit.state == DepositState.PAID
    assert Appointment.objects.count() == 1
    assert told("deposit.paid") == 1


def test_an_expiry_that_comes_after_the_payment_changes_nothing(checkout) -> None:
    deposit = checkout.asked()
    checkout.pay(deposit)
    checkout.hear()
    event = events_of(checkout, "checkout.session.completed")[0]
    event["data"]["object"] |= {"status": "expired", "payment_status": "unpaid"}

    say(checkout, event | {"id": "evt_old", "type": "checkout.session.expired"})

    deposit.refresh_from_db()
    assert deposit.state == DepositState.PAID
    assert InboundEvent.objects.get(dedupe_key="evt_old").state == InboundState.STALE


def test_a_payment_that_comes_after_the_expiry_is_booked(checkout) -> None:
    deposit = checkout.asked()
    checkout.let_the_hold_end()
    checkout.work()
    checkout.hear()
    deposit.refresh_from_db()
    assert deposit.state == DepositState.EXPIRED

    checkout.act("pay", session=deposit.session_id, late=True)
    checkout.hear()

    deposit.refresh_from_db()
    assert deposit.state == DepositState.PAID
    assert Appointment.objects.count() == 1


def test_a_bank_that_takes_days(checkout) -> None:
    deposit = checkout.asked()
    checkout.pay(deposit, card="later")
    checkout.hear()
    deposit.refresh_from_db()
    assert (deposit.state, deposit.pending_at is None) == ("requested", False)
    assert not Appointment.objects.exists()
    checkout.let_the_hold_end()
    checkout.work()  # its page is not closed: it is complete

    checkout.act("settle", session=deposit.session_id, good=True)
    checkout.hear()

    deposit.refresh_from_db()
    assert deposit.state == DepositState.PAID


def test_a_bank_that_does_not_pay_in_the_end(checkout) -> None:
    deposit = checkout.asked()
    checkout.pay(deposit, card="later")
    checkout.act("settle", session=deposit.session_id, good=False)
    checkout.fault(Kind.DISORDERED_CALLBACKS)

    checkout.hear()

    deposit.refresh_from_db()
    assert deposit.state == DepositState.FAILED
    assert not Appointment.objects.exists()


def events_of(checkout, kind: str) -> list[dict]:
    return [each for each in checkout.kept("event") if each["type"] == kind]


def say(checkout, event: dict, *, take_in: bool = True) -> None:
    """Have Stripe say something of our own making, signed as it should be."""
    call = stripe(event, secret=SECRET, at=timezone.now().timestamp())
    path = f"/api/v1/webhooks/stripe/{checkout.connection.inbound_token}"
    answer = checkout.client.post(
        path, call.body, content_type="application/json", headers=call.headers
    )
    assert answer.status_code == 202, answer.content
    if take_in:
        take_in_all()


def completed(deposit: Deposit, **given) -> dict:
    """Return what Stripe says of a page on which somebody has paid."""
    session = {
        "id": deposit.session_id,
        "object": "checkout.session",
        "status": "complete",
        "payment_status": "paid",
        "payment_intent": "pi_1",
        "amount_total": deposit.amount_cents,
        "currency": "usd",
        "livemode": False,
        "client_reference_id": str(deposit.pk),
        "metadata": {"deposit_id": str(deposit.pk)},
    }
    return {
        "id": "evt_made_up",
        "object": "event",
        "created": int(timezone.now().timestamp()),
        "type": "checkout.session.completed",
        "data": {"object": session | given},
    }


@pytest.mark.parametrize(
    "other",
    [
        {"amount_total": 50},
        {"amount_total": "5000"},
        {"amount_total": 10**12},
        {"currency": "cad"},
        {"livemode": True},
    ],
)
def test_another_amount_is_for_a_person_to_look_at(checkout, other) -> None:
    deposit = checkout.asked()

    say(checkout, completed(deposit, **other))

    deposit.refresh_from_db()
    assert deposit.state == DepositState.NEEDS_ATTENTION
    assert "not what was asked for" in deposit.attention
    assert not Appointment.objects.exists()
    assert told("deposit.needs_attention") == 1
    say(checkout, completed(deposit) | {"id": "evt_the_right_one_after_all"})
    assert not Appointment.objects.exists()


def test_a_payment_that_nobody_here_asked_for_is_kept_and_loud(checkout) -> None:
    stranger = Deposit(
        pk="0190b5a4-0000-7000-8000-000000000000",
        session_id="cs_stranger",
        amount_cents=1,
    )

    say(checkout, completed(stranger))

    event = InboundEvent.objects.get()
    assert event.state in {InboundState.RECEIVED, InboundState.DEAD}
    assert "There is no deposit" in event.note
    assert not Deposit.objects.exists()


def test_payments_for_other_things_are_not_looked_at(checkout) -> None:
    stranger = Deposit(session_id="cs_stranger", amount_cents=1)
    other = {"metadata": {}, "client_reference_id": "order 7"}

    say(checkout, completed(stranger, **other))

    assert InboundEvent.objects.get().state == InboundState.IGNORED


def test_a_page_of_the_log_is_no_end(checkout, monkeypatch) -> None:
    monkeypatch.setattr(events, "_PAGE", 2)
    deposit = checkout.asked()
    checkout.fault(Kind.LOST_CALLBACKS)
    checkout.pay(deposit)
    checkout.act("refund", payment_intent=paid_intent(checkout), amount=100)
    call = caller_for(checkout.connection)

    page, ids = events.poll(call, ""), []
    for _ in range(9):
        ids += [each.told_as for each in page.remotes]
        if not page.has_more:
            break
        page = events.poll(call, page.cursor)

    told_of = [
        each["id"] for each in checkout.kept("event") if each["type"] in reading.EVENTS
    ]
    assert sorted(ids) == sorted(told_of)
    assert len(ids) > 2
    assert int(page.cursor) == checkout.kept("event")[-1]["created"]


def paid_intent(checkout) -> str:
    (intent,) = checkout.kept("payment_intent")
    return str(intent["id"])


def test_a_lost_callback_is_found_in_the_log(checkout) -> None:
    deposit = checkout.asked()
    checkout.fault(Kind.LOST_CALLBACKS)
    checkout.pay(deposit)
    assert checkout.hear() == []

    found = poll_connection(
        connection_id=checkout.connection.pk,
        now=timezone.now(),
        budget=timedelta(seconds=10),
    )
    checkout.hear()

    deposit.refresh_from_db()
    assert found
    assert deposit.state == DepositState.PAID
    assert Appointment.objects.count() == 1


def test_what_a_callback_told_the_log_does_not_tell_again(checkout) -> None:
    deposit = checkout.asked()
    checkout.pay(deposit)
    before = checkout.hear()

    found = poll_connection(
        connection_id=checkout.connection.pk,
        now=timezone.now(),
        budget=timedelta(seconds=10),
    )

    assert found == 0
    assert checkout.hear() == before


def test_rescheduling_keeps_the_deposit(checkout) -> None:
    deposit = checkout.asked()
    checkout.pay(deposit)
    checkout.hear()
    visit = Appointment.objects.get()

    reschedule(
        appointment_id=visit.pk,
        starts_at=local(TOMORROW, 10),
        actor=SYSTEM,
        now=timezone.now(),
    )

    deposit.refresh_from_db()
    assert (deposit.state, deposit.appointment_id) == (DepositState.PAID, visit.pk)


def test_who_booked_without_waiting_for_the_money_has_paid_for_that_visit(
    checkout,
) -> None:
    deposit = checkout.asked()
    visit = book(
        request=BookingRequest(
            service=checkout.company.service,
            lead_id=checkout.lead.pk,
            starts_at=local(TOMORROW, 8),
            hold=checkout.token,
        ),
        actor=SYSTEM,
        now=timezone.now(),
    )

    checkout.pay(deposit)
    checkout.hear()

    deposit.refresh_from_db()
    assert (deposit.state, deposit.appointment) == (DepositState.PAID, visit)
    assert Appointment.objects.count() == 1

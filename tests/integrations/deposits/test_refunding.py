"""Money that goes back: by hand, by what happened, and through lost answers; once."""

import pytest
from django.utils import timezone

from appointments import services as appointments
from appointments.models import Appointment
from appointments.rules.states import Status
from core.actors import SYSTEM, Role
from core.models import Event, OutboxMessage
from core.models.outbox import OutboxStatus
from integrations.models import Deposit, DepositState
from integrations.sandbox.faults import Kind
from integrations.services.deposits import NotRefundable, refund_deposit
from tests.factories import make_user
from tests.integrations.deposits.conftest import DEPOSIT
from tests.outside import drain, skip_waiting

pytestmark = pytest.mark.django_db(transaction=True)


def paid(checkout) -> Deposit:
    deposit: Deposit = checkout.asked()
    checkout.pay(deposit)
    checkout.hear()
    deposit.refresh_from_db()
    assert deposit.state == DepositState.PAID
    return deposit


def send_back(deposit: Deposit) -> Deposit:
    return refund_deposit(
        deposit_id=deposit.pk, reason="Rain", actor=SYSTEM, now=timezone.now()
    )


def test_staff_send_the_money_back_and_the_visit_stands(checkout, api_as) -> None:
    deposit = paid(checkout)
    staff = api_as(make_user(Role.DISPATCHER, locations=[checkout.company.branch]))

    answer = staff.post(
        f"/api/v1/deposits/{deposit.pk}/refund", {"reason": "Rain"}, format="json"
    )
    assert answer.status_code == 200, answer.content
    assert answer.json()["state"] == "refund_due"
    checkout.work()
    checkout.hear()

    deposit.refresh_from_db()
    (refund,) = checkout.kept("refund")
    assert deposit.state == DepositState.REFUNDED
    assert (deposit.refunded_cents, deposit.refund_reason) == (DEPOSIT, "Rain")
    assert refund["metadata"]["deposit_id"] == str(deposit.pk)
    assert Appointment.objects.get().status == Status.SCHEDULED


def test_cancelling_leaves_the_money_to_a_person(checkout) -> None:
    deposit = paid(checkout)
    appointments.cancel(
        appointment_id=Appointment.objects.get().pk,
        reason="Nobody at home.",
        actor=SYSTEM,
        now=timezone.now(),
    )

    checkout.work()

    deposit.refresh_from_db()
    assert deposit.state == DepositState.PAID
    assert checkout.kept("refund") == []
    send_back(deposit)
    checkout.work()
    assert len(checkout.kept("refund")) == 1


@pytest.mark.parametrize("kind", [Kind.CUT_AFTER, Kind.TRUNCATED, Kind.GARBAGE])
def test_a_lost_answer_sends_nothing_back_twice(checkout, kind) -> None:
    deposit = paid(checkout)
    checkout.fault(Kind.LOST_CALLBACKS)
    checkout.fault(kind, count=1, method="POST")

    send_back(deposit)
    checkout.work()
    deposit.refresh_from_db()
    assert deposit.state == DepositState.REFUND_DUE
    skip_waiting()
    drain()

    deposit.refresh_from_db()
    assert deposit.state == DepositState.REFUNDED
    assert len(checkout.kept("refund")) == 1
    assert Event.objects.filter(name="deposit.refunded").count() == 1


def test_a_refund_that_stripe_forgot_the_key_of_is_found(checkout) -> None:
    deposit = paid(checkout)
    checkout.fault(Kind.LOST_CALLBACKS)
    checkout.fault(Kind.CUT_AFTER, count=1, method="POST")
    send_back(deposit)
    checkout.work()
    checkout.world.world.places["stripe"].vendor._kept.clear()  # a day later
    skip_waiting()
    drain()

    deposit.refresh_from_db()
    assert deposit.state == DepositState.REFUNDED
    assert len(checkout.kept("refund")) == 1


def test_sent_back_twice_is_as_good_as_once(checkout) -> None:
    deposit = paid(checkout)

    send_back(deposit)
    send_back(deposit)
    checkout.work()
    checkout.hear()
    send_back(deposit)
    checkout.work()

    assert len(checkout.kept("refund")) == 1
    assert OutboxMessage.objects.filter(kind="refund").count() == 1


def test_what_nobody_paid_is_not_sent_back(checkout) -> None:
    deposit = checkout.asked()

    with pytest.raises(NotRefundable):
        send_back(deposit)


def test_a_refund_that_came_back_waits_for_a_person(checkout) -> None:
    deposit = paid(checkout)
    send_back(deposit)
    checkout.work()
    checkout.hear()
    (refund,) = checkout.kept("refund")
    checkout.fault(Kind.DISORDERED_CALLBACKS)

    checkout.act("fail_refund", refund=refund["id"])
    checkout.hear()

    deposit.refresh_from_db()
    assert deposit.state == DepositState.NEEDS_ATTENTION
    assert deposit.refunded_cents == 0
    assert "came back" in deposit.attention
    send_back(deposit)
    checkout.work()
    checkout.hear()
    deposit.refresh_from_db()
    assert deposit.state == DepositState.REFUNDED
    assert len(checkout.kept("refund")) == 2


def test_money_sent_back_at_stripe_by_hand_is_heard_of(checkout) -> None:
    deposit = paid(checkout)

    checkout.act("refund", payment_intent=deposit.intent_id, amount=2000)
    checkout.hear()
    deposit.refresh_from_db()
    assert (deposit.state, deposit.refunded_cents) == (DepositState.PAID, 2000)
    checkout.act("refund", payment_intent=deposit.intent_id)
    checkout.hear()

    deposit.refresh_from_db()
    assert (deposit.state, deposit.refunded_cents) == (DepositState.REFUNDED, DEPOSIT)


def test_the_rest_goes_back_where_a_part_has_gone(checkout) -> None:
    deposit = paid(checkout)
    checkout.act("refund", payment_intent=deposit.intent_id, amount=2000)
    checkout.hear()

    send_back(deposit)
    checkout.work()

    deposit.refresh_from_db()
    assert deposit.state == DepositState.REFUNDED
    assert [refund["amount"] for refund in checkout.kept("refund")] == [2000, 3000]


def test_what_stripe_refuses_to_send_back_waits_for_a_person(checkout) -> None:
    deposit = paid(checkout)
    checkout.fault(Kind.LOST_CALLBACKS)
    checkout.act("dispute", payment_intent=deposit.intent_id)

    send_back(deposit)
    checkout.work()

    deposit.refresh_from_db()
    assert deposit.state == DepositState.NEEDS_ATTENTION
    assert "disputed" in deposit.attention
    assert OutboxMessage.objects.get(kind="refund").status == OutboxStatus.DEAD


def test_a_dispute_is_for_a_person(checkout) -> None:
    deposit = paid(checkout)

    checkout.act("dispute", payment_intent=deposit.intent_id)
    checkout.hear()

    deposit.refresh_from_db()
    assert deposit.state == DepositState.NEEDS_ATTENTION
    assert Appointment.objects.get().status == Status.SCHEDULED


def test_a_refund_waits_for_an_account_that_is_set_aside(checkout) -> None:
    deposit = paid(checkout)
    checkout.act("replace_key", key="sk_test_another")
    send_back(deposit)

    checkout.work()

    assert OutboxMessage.objects.get(kind="refund").status == OutboxStatus.PARKED
    deposit.refresh_from_db()
    assert deposit.state == DepositState.REFUND_DUE

"""Deposits at a desk: what one sees, and the button that sends one back."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from config.waiting import deposits_to_look_at
from core.actors import SYSTEM, Role
from core.models import OutboxMessage
from integrations.models import Deposit, DepositState
from tests.factories import make_appointment, make_location, make_technician, make_user
from tests.integrations.deposits.rows import make_deposit

LIST = "admin:integrations_deposit_changelist"


def sign_in(role: Role, branch) -> Client:
    browser = Client()
    browser.force_login(make_user(role, locations=[branch]))
    return browser


@pytest.fixture
def branch(db):
    return make_location()


@pytest.fixture
def desk(branch):
    return sign_in(Role.DISPATCHER, branch)


def paid_at(branch, **given) -> Deposit:
    technician = make_technician(location=branch)
    return make_deposit(visit=make_appointment(technician=technician), **given)


def reference_of(deposit: Deposit) -> str:
    visit = deposit.appointment
    assert visit is not None
    return visit.reference


def shown(desk, deposit: Deposit):
    return desk.get(reverse("admin:integrations_deposit_change", args=[deposit.pk]))


def test_the_page_shows_money_state_and_visit(desk, branch) -> None:
    deposit = paid_at(branch)

    page = shown(desk, deposit).content.decode()

    assert "50.00 USD" in page
    assert "Paid" in page
    assert reference_of(deposit) in page
    assert deposit.intent_id in page


def test_the_button_sends_the_money_back(desk, branch) -> None:
    deposit = paid_at(branch)
    url = reverse("admin:integrations_deposit_action", args=[deposit.pk, "refund"])

    answer = desk.post(url, {"reason": "Rain"})

    assert answer.status_code == 302
    deposit.refresh_from_db()
    assert (deposit.state, deposit.refund_reason) == (DepositState.REFUND_DUE, "Rain")
    assert OutboxMessage.objects.get().kind == "refund"


def test_what_has_gone_back_has_no_button(desk, branch) -> None:
    gone = paid_at(branch)
    Deposit.objects.update(
        state=DepositState.REFUNDED, refunded_cents=5000, refunded_at=gone.paid_at
    )
    url = reverse("admin:integrations_deposit_action", args=[gone.pk, "refund"])

    assert url not in shown(desk, gone).content.decode()


def test_who_only_looks_sends_nothing_back(branch) -> None:
    deposit = paid_at(branch)
    viewer = sign_in(Role.VIEWER, branch)
    url = reverse("admin:integrations_deposit_action", args=[deposit.pk, "refund"])

    assert shown(viewer, deposit).status_code == 200
    assert viewer.post(url, {"reason": "Rain"}).status_code == 403


def test_a_branch_sees_its_own(desk) -> None:
    elsewhere = paid_at(make_location())

    assert shown(desk, elsewhere).status_code == 404
    listed = desk.get(reverse(LIST)).content.decode()
    assert reference_of(elsewhere) not in listed


def test_what_needs_attention_is_counted_beside_the_list(desk, branch) -> None:
    deposit = paid_at(branch)
    assert deposits_to_look_at(actor=SYSTEM) == 0
    Deposit.objects.update(
        state=DepositState.NEEDS_ATTENTION, attention="It came in another currency."
    )

    page = desk.get(reverse(LIST)).content.decode()

    assert deposits_to_look_at(actor=SYSTEM) == 1
    assert "Needs attention" in page
    assert "another currency" in shown(desk, deposit).content.decode()


def test_the_list_asks_as_often_for_many_as_for_one(desk, branch) -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert desk.get(reverse(LIST)).status_code == 200
        return len(queries)

    paid_at(branch)
    asked()
    once = asked()
    for _ in range(3):
        paid_at(branch)

    assert asked() == once


def test_the_list_over_http_narrows_by_state_and_visit(api_as, branch):
    paid = paid_at(branch)
    waiting = {"state": DepositState.REQUESTED, "received_cents": 0, "paid_at": None}
    paid_at(branch, **waiting)
    paid_at(make_location())
    client = api_as(make_user(Role.DISPATCHER, locations=[branch]))

    def listed(query: str) -> list[str]:
        rows = client.get(f"/api/v1/deposits{query}").json()["results"]
        return [row["id"] for row in rows]

    assert len(listed("")) == 2
    assert listed("?state=paid") == [str(paid.pk)]
    assert listed(f"?appointment={paid.appointment_id}") == [str(paid.pk)]

"""Many at once: one page, one visit, one refund."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connections
from django.utils import timezone

from appointments.models import Appointment
from core.models import Event
from integrations.models import Deposit, DepositState, InboundEvent
from integrations.services.inbox.processing import process_inbound
from tests.integrations.deposits.conftest import SECRET
from tests.integrations.deposits.test_paying import completed, say
from tests.integrations.inbox.callers import path_of, send, stripe

pytestmark = pytest.mark.django_db(transaction=True)
CROWD = 20


def at_once(work, things):
    """Do it to all things at the same moment, each over connections of its own."""
    barrier = Barrier(len(things), timeout=60)

    def one(thing):
        try:
            barrier.wait()
            return work(thing)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(things)) as pool:
        return list(pool.map(one, things))


def test_twenty_identical_callbacks_at_once(checkout, live_server) -> None:
    deposit = checkout.asked()
    event = completed(deposit)
    call = stripe(event, secret=SECRET, at=timezone.now().timestamp())
    path = path_of(checkout.connection)

    heard = at_once(lambda _: send(live_server.url, path, call), range(CROWD))
    ids = list(InboundEvent.objects.values_list("pk", flat=True))
    at_once(
        lambda _: process_inbound(event_id=ids[0], now=timezone.now()), range(CROWD)
    )

    deposit.refresh_from_db()
    assert {answer.status for answer in heard} <= {200, 202}
    assert len(ids) == 1
    assert deposit.state == DepositState.PAID
    assert Appointment.objects.count() == 1
    assert Event.objects.filter(name="deposit.paid").count() == 1


def test_twenty_callbacks_that_all_tell_of_the_payment(checkout) -> None:
    """Different events, as a session and its intent are, taken in by many workers."""
    deposit = checkout.asked()
    for number in range(CROWD - 1):
        say(checkout, completed(deposit) | {"id": f"evt_{number}"}, take_in=False)
    ids = list(InboundEvent.objects.values_list("pk", flat=True))

    at_once(lambda pk: process_inbound(event_id=pk, now=timezone.now()), ids)
    for pk in ids:
        process_inbound(event_id=pk, now=timezone.now())

    deposit.refresh_from_db()
    assert deposit.state == DepositState.PAID
    assert Appointment.objects.count() == 1
    states = list(InboundEvent.objects.values_list("state", flat=True))
    assert sorted(states) == ["processed", *["stale"] * (CROWD - 2)]


def test_a_page_asked_for_by_many_at_once_is_one(checkout) -> None:
    checkout.keep()

    answers = at_once(lambda _: checkout.ask(), range(6))

    assert {answer.status_code for answer in answers} <= {201, 503}
    urls = {answer.json()["url"] for answer in answers if answer.status_code == 201}
    assert len(urls) == 1
    assert len(checkout.kept("checkout.session")) == 1
    assert Deposit.objects.count() == 1
    assert Event.objects.filter(name="deposit.requested").count() == 1

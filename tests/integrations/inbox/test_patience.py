"""A vendor waits two seconds at most, whatever else is away."""

import time
from collections.abc import Iterator

import pytest

from core import hints as bell
from integrations.models import InboundEvent, Vendor
from integrations.services.inbox import processing
from tests.core.test_outbox_hints import (
    AWAY,
    broker,
    celery_conf,
)
from tests.integrations.inbox.callers import make_connection, path_of, send, stripe

__all__ = ["broker", "celery_conf"]  # fixtures

pytestmark = pytest.mark.django_db(transaction=True)
LONGEST = 2.0


@pytest.fixture(autouse=True)
def hints() -> None:
    """Ring for real, instead of collecting."""


@pytest.fixture(autouse=True)
def _nobody_rests(monkeypatch) -> Iterator[None]:
    monkeypatch.setattr(bell, "_rests_until", 0.0)
    yield
    bell._hang_up()


@pytest.fixture(params=AWAY, ids=lambda away: away.__name__)
def dead_broker(request, broker) -> Iterator[None]:  # a fixture
    away = request.param()
    broker(next(away))
    yield
    next(away, None)


def test_a_broker_that_is_away_keeps_no_vendor_waiting(
    live_server, dead_broker, monkeypatch
) -> None:
    connection = make_connection(Vendor.STRIPE)
    took = []

    for number in range(3):
        monkeypatch.setattr(bell, "_rests_until", 0.0)  # as if it were the first
        call = stripe({"id": f"evt_{number}", "type": "charge.refunded"})
        begun = time.monotonic()
        heard = send(live_server.url, path_of(connection), call)
        took.append(time.monotonic() - begun)
        assert heard.status == 202

    assert max(took) < LONGEST
    assert InboundEvent.objects.filter(state="received").count() == 3


def test_what_nobody_was_rung_for_is_found_by_the_sweep(
    live_server, dead_broker
) -> None:
    connection = make_connection(Vendor.STRIPE)
    call = stripe({"id": "evt_1", "type": "charge.refunded"})
    send(live_server.url, path_of(connection), call)
    InboundEvent.objects.update(hinted_at=None)  # six seconds later

    assert processing.sweep_inbox() == 1

"""The outbox, the breaker and a vendor that goes away, all for real."""

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import pytest
from django.db import connection as database
from django.utils import timezone

from core.actors import SYSTEM
from core.ids import uuid7
from core.models import OutboxMessage
from core.models.outbox import AttemptOutcome, OutboxStatus
from core.outbox import Outcome
from core.services import deliver
from integrations import services
from integrations.models import Connection, ConnectionHealth, ConnectionState
from integrations.rules import breaker
from integrations.rules.refusals import CallFailed
from integrations.services.calling import caller_for
from tests.core.outbox_rows import tell
from tests.integrations.test_connections import make
from tests.integrations.vendor import Heard, Reply

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]

WORKERS = 4


def send(message: OutboxMessage, *, now: datetime) -> Outcome:
    """Deliver as the deliverers of vendors do."""
    connection = Connection.objects.get(pk=message.destination)
    if connection.state != ConnectionState.ACTIVE:
        return Outcome(kind=AttemptOutcome.PARKED)
    try:
        caller_for(connection)("PUT", f"/things/{message.key}", json={})
    except CallFailed as failure:
        return services.outcome_of_failure(failure, connection=connection, now=now)
    return Outcome(kind=AttemptOutcome.OK)


@pytest.fixture
def connection(vendor, settings) -> Any:
    settings.OUTBOX_DELIVERERS = {"test": f"{__name__}.send"}
    return make(vendor)


def write(connection: Connection, count: int) -> None:
    for _ in range(count):
        tell(destination=str(connection.pk), of=uuid7())


def statuses() -> Counter[str]:
    return Counter(OutboxMessage.objects.values_list("status", flat=True))


def work_until(done: Callable[[], bool], *, seconds: float) -> None:
    """Let workers deliver what is due until `done`, or the time is up."""
    ends = time.monotonic() + seconds

    def work(_: int) -> None:
        try:
            while time.monotonic() < ends and not done():
                due = OutboxMessage.objects.due().in_turn().order_by("?")
                for message_id in list(due.values_list("pk", flat=True)[:20]):
                    deliver(message_id=message_id, now=timezone.now())
                time.sleep(0.02)
        finally:
            database.close()

    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(work, range(WORKERS)))


def test_an_outage_costs_few_calls_and_heals_gently(
    vendor, connection, monkeypatch
) -> None:
    # A tenth of the real times: half a minute is three seconds, a minute six.
    monkeypatch.setattr(breaker, "FIRST_OPEN_SECONDS", 3)
    lasts, normal = 6.0, 10
    begun = time.monotonic()

    def answer(heard: Heard) -> Reply:
        return Reply(status=503 if heard.at - begun < lasts else 200, json={})

    vendor.otherwise = answer
    ConnectionHealth.objects.filter(pk=connection.pk).update(
        window=[[int(time.time()) // 10 - 1, normal * 10, 0]]
    )
    Connection.objects.filter(pk=connection.pk).update(calls_per_second=100)
    write(connection, 100)

    work_until(lambda: statuses() == {OutboxStatus.DELIVERED: 100}, seconds=60)

    calls = [heard.at - begun for heard in vendor.heard]
    healed = sorted(at for at in calls if at >= lasts)
    busiest = max(sum(at <= later < at + 2 for later in healed) / 2 for at in healed)
    assert statuses() == {OutboxStatus.DELIVERED: 100}
    assert len(calls) - len(healed) <= 40
    assert busiest <= 2 * normal + 1
    assert max(OutboxMessage.objects.values_list("attempts", flat=True)) <= 3
    assert len({heard.path for heard in vendor.heard}) == 100


def test_refused_credentials_park_all_until_new_ones_come(vendor, connection) -> None:
    def answer(heard: Heard) -> Reply:
        fine = heard.headers["authorization"] == "Bearer new"
        return Reply(json={"name": "Ann"}) if fine else Reply(status=401)

    vendor.otherwise = answer
    write(connection, 20)
    work_until(lambda: statuses() == {OutboxStatus.PARKED: 20}, seconds=20)
    parked, refused = statuses(), len(vendor.heard)

    services.reauthorise_connection(
        connection_id=connection.pk,
        credentials={"key": "new"},
        actor=SYSTEM,
        now=timezone.now(),
    )
    work_until(lambda: statuses() == {OutboxStatus.DELIVERED: 20}, seconds=20)

    assert parked == {OutboxStatus.PARKED: 20}
    assert refused <= WORKERS
    assert statuses() == {OutboxStatus.DELIVERED: 20}
    assert set(OutboxMessage.objects.values_list("attempts", flat=True)) == {1}


def test_a_dead_vendor_slows_nobody_else(vendor, connection) -> None:
    dead = make(vendor, name="Dead")
    hosts = {"hosts": {"api": "http://127.0.0.1:9"}}
    Connection.objects.filter(pk=dead.pk).update(settings=hosts)
    write(dead, 20)
    write(connection, 20)
    begun = time.monotonic()

    def are_sent() -> bool:
        mine = OutboxMessage.objects.filter(destination=str(connection.pk))
        return set(mine.values_list("status", flat=True)) == {OutboxStatus.DELIVERED}

    work_until(are_sent, seconds=20)

    assert are_sent()
    assert time.monotonic() - begun < 10

"""What is said of each connection and subscriber, by hand."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone
from prometheus_client import CollectorRegistry, generate_latest

from core.actors import SYSTEM
from core.ids import uuid7
from core.models import OutboxMessage
from core.models.outbox import AttemptOutcome, OutboxStatus
from integrations.api.gauges import StandingCollector
from integrations.models import (
    Connection,
    ConnectionHealth,
    InboundEvent,
    InboundState,
    PollCursor,
    SyncConflict,
)
from integrations.selectors.standing import standings
from notifications.models import Notification
from tests.core.outbox_rows import tell
from tests.factories import make_appointment

pytestmark = pytest.mark.django_db

NOW = timezone.now().replace(microsecond=0)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def connection() -> Connection:
    made = Connection.objects.create(vendor="servicetitan", name="The CRM")
    ConnectionHealth.objects.create(connection=made)
    return made


def message(destination, status, *, age, took=None, outcome="", error="", due=None):
    """Write a message that is `age` old, and ended after `took`."""
    made = tell(kind="sync", destination=str(destination), of=uuid7())
    created = NOW - age
    is_open = status in {"pending", "parked"}
    OutboxMessage.objects.filter(pk=made.pk).update(
        status=status,
        created_at=created,
        next_attempt_at=due or created,
        finished_at=None if is_open else created + (took or MINUTE),
        last_outcome=outcome,
        last_error=error,
    )
    return made


def standing_of(connection):
    (found,) = [
        each for each in standings(actor=SYSTEM, now=NOW) if each.id == connection.pk
    ]
    return found


def test_what_goes_out_is_counted_by_what_became_of_it(connection) -> None:
    refused, unknown = AttemptOutcome.REJECTED, AttemptOutcome.UNKNOWN
    message(connection.pk, OutboxStatus.DELIVERED, age=HOUR, took=timedelta(seconds=1))
    message(connection.pk, OutboxStatus.DELIVERED, age=HOUR, took=timedelta(seconds=3))
    message(connection.pk, OutboxStatus.SUPERSEDED, age=HOUR)
    message(connection.pk, OutboxStatus.CANCELLED, age=HOUR)
    message(connection.pk, OutboxStatus.PENDING, age=HOUR, due=NOW - 7 * MINUTE)
    message(connection.pk, OutboxStatus.PENDING, age=HOUR, due=NOW + MINUTE)
    message(connection.pk, OutboxStatus.PARKED, age=HOUR)
    message(
        connection.pk, OutboxStatus.DEAD, age=HOUR, outcome=refused, error="Bad ZIP"
    )
    message(connection.pk, OutboxStatus.DEAD, age=5 * DAY, outcome=unknown)

    out = standing_of(connection).outgoing

    assert (out.delivered, out.superseded, out.cancelled) == (2, 1, 1)
    assert (out.waiting, out.parked, out.refused, out.dead) == (2, 1, 1, 1)
    assert out.lag_seconds == 420
    assert out.p50_seconds == 2
    # Of the four that could have arrived: two delivered, one overtaken, one dead.
    assert (out.punctual, out.due, out.success_ratio) == (3, 4, 0.75)


def test_what_waits_for_more_than_a_day_counts_as_late(connection) -> None:
    message(connection.pk, OutboxStatus.PENDING, age=DAY - MINUTE)
    message(connection.pk, OutboxStatus.PENDING, age=DAY + MINUTE)
    message(connection.pk, OutboxStatus.DELIVERED, age=DAY - MINUTE, took=HOUR)

    out = standing_of(connection).outgoing

    assert (out.punctual, out.due) == (1, 2)


def test_what_is_old_and_done_is_another_days_news(connection) -> None:
    message(connection.pk, OutboxStatus.DELIVERED, age=DAY + MINUTE)

    out = standing_of(connection).outgoing

    assert (out.delivered, out.success_ratio) == (0, None)


def test_the_last_three_failures_are_told_newest_first(connection) -> None:
    for n in range(5):
        message(connection.pk, OutboxStatus.DEAD, age=HOUR, error=f"No {n}")
    message(uuid7(), OutboxStatus.DEAD, age=HOUR, error="Of somebody else")

    failures = standing_of(connection).failures

    assert [failure.error for failure in failures] == ["No 4", "No 3", "No 2"]


def test_what_came_in_is_counted_too(connection) -> None:
    for n, state in enumerate(InboundState.values):
        done = state not in {"received", "leased"}
        InboundEvent.objects.create(
            connection=connection,
            dedupe_key=str(n),
            state=state,
            times_received=1 + n,
            received_at=NOW - n * MINUTE,
            finished_at=NOW if done else None,
            lease_until=NOW if state == "leased" else None,
            lease_token=uuid7() if state == "leased" else None,
        )
    PollCursor.objects.create(connection=connection, feed="jobs", found=4)
    PollCursor.objects.create(connection=connection, feed="leads", found=1)
    thing = {"connection": connection, "object_type": "appointment", "field": "notes"}
    SyncConflict.objects.create(**thing, object_id=uuid7(), kind="both_changed")
    SyncConflict.objects.create(
        **thing,
        object_id=uuid7(),
        kind="both_changed",
        resolved_at=NOW,
        resolved_by="Dana",
    )

    found = standing_of(connection)

    come = found.incoming
    assert (come.received, come.waiting, come.dead, come.found) == (6, 2, 1, 5)
    assert come.repeated == 1 + 2 + 3 + 4 + 5
    assert come.lag_seconds == 60
    assert found.conflicts == 1


def test_however_many_there_are_it_asks_as_many_questions(
    connection, django_assert_num_queries
) -> None:
    message(connection.pk, OutboxStatus.DEAD, age=HOUR)
    for n in range(5):
        other = Connection.objects.create(vendor="mailchimp", name=f"List {n}")
        message(other.pk, OutboxStatus.DEAD, age=HOUR)

    with django_assert_num_queries(7):
        assert len(standings(actor=SYSTEM, now=NOW)) == 6


def test_the_report_says_who_needs_a_person(connection, capsys) -> None:
    message(connection.pk, OutboxStatus.DELIVERED, age=HOUR)
    call_command("sync_report")
    assert "100.00%" in capsys.readouterr().out

    message(connection.pk, OutboxStatus.DEAD, age=HOUR, error="It said no.")
    with pytest.raises(SystemExit) as end:
        call_command("sync_report")
    said = capsys.readouterr().out

    assert end.value.code == 1
    assert "50.00%" in said
    assert "The CRM: dead sync of thing: It said no." in said


def test_machines_read_the_report_as_json(connection, capsys) -> None:
    message(connection.pk, OutboxStatus.DELIVERED, age=HOUR)

    call_command("sync_report", "--json")

    (found,) = json.loads(capsys.readouterr().out)
    assert found["name"] == "The CRM"
    assert found["outgoing"]["success_ratio"] == 1
    assert found["needs_somebody"] is False


def test_prometheus_is_told_the_same(connection) -> None:
    message(connection.pk, OutboxStatus.PENDING, age=HOUR, due=timezone.now() - HOUR)
    ConnectionHealth.objects.update(breaker="open", reopens_at=NOW)
    registry = CollectorRegistry()
    registry.register(StandingCollector())

    lines = generate_latest(registry).decode().splitlines()

    labels = '{kind="connection",name="The CRM",vendor="ServiceTitan"}'
    assert f"fieldbook_outbox_waiting{labels} 1.0" in lines
    assert f"fieldbook_breaker_state{labels} 2.0" in lines
    lag = next(line for line in lines if line.startswith("fieldbook_outbox_lag"))
    assert float(lag.rpartition(" ")[2]) >= 3600


def test_texts_stand_with_the_connection_that_sends_them() -> None:
    texts = Connection.objects.create(vendor="twilio", name="Texts")
    visit = make_appointment()
    fates: list[dict[str, Any]] = [
        {"sent_at": NOW, "carrier_status": "delivered"},
        {"sent_at": NOW},
        {"sent_at": NOW, "carrier_status": "undelivered"},
        {"delivery": message("anybody", OutboxStatus.PENDING, age=HOUR)},
        {"delivery": message("anybody", OutboxStatus.DEAD, age=HOUR)},
    ]
    for n, given in enumerate(fates):
        text = Notification.objects.create(
            key=str(n),
            appointment=visit,
            customer=visit.customer,
            event_name="appointment.booked",
            kind="confirmation",
            channel="sms",
            recipient="+16025550142",
            body="See you",
            **given,
        )
        Notification.objects.filter(pk=text.pk).update(created_at=NOW - HOUR)

    out = standing_of(texts).outgoing

    assert (out.delivered, out.waiting, out.dead) == (2, 1, 2)
    assert (out.punctual, out.due) == (2, 4)
    assert out.p50_seconds == 3600

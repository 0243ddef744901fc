"""Events reach those who listen: in order, once, and without waiting for the broken."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import transaction

from core.ids import uuid7
from core.models import Event, OutboxMessage
from core.services import publish_waiting
from core.services.publishing import RETRY_SECONDS
from tests.core import listeners
from tests.core.outbox_rows import THING, happen
from tests.outside import skip_waiting

pytestmark = pytest.mark.django_db

LISTEN = "tests.core.listeners.listen"
PASS_ON = "tests.core.listeners.pass_on"
FAIL = "tests.core.listeners.fail"
FAIL_FIRST = "tests.core.listeners.fail_first"


@pytest.fixture(autouse=True)
def heard() -> Iterator[list[int]]:
    yield listeners.heard
    listeners.heard.clear()


def publish() -> int:
    return publish_waiting(budget=timedelta(minutes=1))


def listen_with(settings, *handlers: str) -> None:
    settings.EVENT_HANDLERS = {"thing.happened": list(handlers)}


def test_events_of_a_thing_are_told_in_their_order(settings, heard) -> None:
    listen_with(settings, LISTEN)
    for _ in range(3):
        happen()

    published = publish()

    assert published == 3
    assert heard == [1, 2, 3]
    assert not Event.objects.waiting().exists()


def test_an_event_is_told_once(settings, heard) -> None:
    listen_with(settings, LISTEN)
    happen()

    publish()
    publish()

    assert heard == [1]


def test_an_event_is_due_whatever_time_it_tells_of(settings, heard) -> None:
    listen_with(settings, LISTEN)
    happen(now=happen().occurred_at + timedelta(days=400))

    publish()

    assert heard == [1, 2]


def test_each_handler_hears_it(settings, heard) -> None:
    listen_with(settings, LISTEN, PASS_ON)
    happen()

    publish()

    assert heard == [1]
    assert OutboxMessage.objects.count() == 1


def test_a_failing_handler_leaves_nothing_behind_and_is_tried_later(settings) -> None:
    listen_with(settings, PASS_ON, FAIL)
    event = happen()

    publish()

    event.refresh_from_db()
    assert not OutboxMessage.objects.exists()
    assert event.published_at is None
    assert event.attempts == 1
    assert event.last_error == "Trouble: no luck"
    assert publish() == 0  # not before its time


def test_a_worker_that_dies_in_a_handler_leaves_nothing_behind(settings) -> None:
    listen_with(settings, PASS_ON, "tests.core.listeners.die")
    event = happen()

    with pytest.raises(SystemExit), transaction.atomic():
        publish()
    listen_with(settings, PASS_ON)
    written_by_the_dead = OutboxMessage.objects.count()
    publish()

    event.refresh_from_db()
    assert written_by_the_dead == 0
    assert OutboxMessage.objects.count() == 1
    assert event.attempts == 1


def test_later_events_of_the_same_thing_wait_and_others_do_not(settings, heard) -> None:
    listen_with(settings, FAIL_FIRST)
    happen()
    happen()
    other = uuid7()
    happen(of=other)
    Event.objects.filter(aggregate_id=other).update(number=7)

    publish()

    assert heard == [7]


def test_what_fails_too_often_is_set_aside_loudly(settings, heard, caplog) -> None:
    listen_with(settings, FAIL_FIRST)
    broken = happen()
    happen()

    for _ in range(len(RETRY_SECONDS) + 3):
        publish()
        skip_waiting()

    broken.refresh_from_db()
    assert broken.failed_at is not None
    assert broken.attempts == len(RETRY_SECONDS) + 1
    assert "event_set_aside" in caplog.text
    assert heard == [2]  # the thing goes on without it


def test_an_event_that_comes_again_writes_its_message_once(settings) -> None:
    listen_with(settings, PASS_ON)
    happen()
    publish()
    Event.objects.update(published_at=None)

    publish()

    assert OutboxMessage.objects.count() == 1


def test_an_event_that_nobody_knows_of_is_let_go_with_a_word(settings, caplog) -> None:
    settings.EVENT_HANDLERS = {}
    event = happen()

    publish()

    event.refresh_from_db()
    assert event.published_at is not None
    assert "event_unheard_of" in caplog.text


def test_a_spent_budget_leaves_the_rest_for_the_next_round(settings, heard) -> None:
    listen_with(settings, LISTEN)
    happen()

    published = publish_waiting(budget=timedelta(0))

    assert published == 0
    assert Event.objects.waiting().get().aggregate_id == THING

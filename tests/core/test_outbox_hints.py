"""The bell: rung after the commit; a broker that is away keeps nobody waiting."""

import base64
import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import redis
from celery import current_app
from django.conf import settings
from django.db import connection as db
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from appointments.models import Appointment
from appointments.services import BookingRequest, book
from core import hints as bell
from core.actors import SYSTEM
from core.health import check_health
from core.models import Event, OutboxMessage
from core.services import sweep
from tests.appointments.conftest import Company, make_company
from tests.core.outbox_rows import tell
from tests.factories import HOUR, NOW, TOMORROW, local

pytestmark = pytest.mark.django_db(transaction=True)

QUEUE = "bell-of-the-tests"


@pytest.fixture(autouse=True)
def hints() -> None:
    """Ring for real, instead of collecting (see the conftest above)."""


@pytest.fixture(autouse=True)
def _nobody_rests(monkeypatch) -> Iterator[None]:
    monkeypatch.setattr(bell, "_rests_until", 0.0)
    yield
    bell._hang_up()


@pytest.fixture
def celery_conf() -> Iterator[Callable[[str, Any], None]]:
    """Return what changes a setting of Celery's until the end of the test."""
    before: dict[str, Any] = {}

    def change(name: str, value: Any) -> None:
        before.setdefault(name, getattr(current_app.conf, name))
        setattr(current_app.conf, name, value)
        bell._hang_up()
        for cached in ("queues", "router"):
            current_app.amqp.__dict__.pop(cached, None)

    yield change
    for name, value in before.items():
        change(name, value)


@pytest.fixture
def broker(celery_conf) -> Callable[[str], None]:
    """Return what points the bell elsewhere."""
    return lambda url: celery_conf("broker_write_url", url)


@pytest.fixture
def queue(celery_conf) -> Iterator[redis.Redis]:
    """Return the real broker; hints go to a queue that no worker listens to."""
    celery_conf("task_default_queue", QUEUE)
    client = redis.Redis.from_url(settings.CELERY_BROKER_URL)
    ringing = bell._RINGING.format(task="core.tasks.prune")
    client.delete(QUEUE, ringing)
    yield client
    client.delete(QUEUE, ringing)
    client.close()


def waiting_in(queue: redis.Redis) -> list[tuple[str, dict[str, Any]]]:
    """Return the hints in the broker, the oldest first, as (task, arguments)."""
    found = []
    for raw in reversed(queue.lrange(QUEUE, 0, -1)):
        message = json.loads(raw)
        _, arguments, _ = json.loads(base64.b64decode(message["body"]))
        found.append((message["headers"]["task"], arguments))
    return found


def nobody_listens() -> Iterator[str]:
    """A port at which every connection is refused."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    yield f"redis://127.0.0.1:{port}/0"


def never_answers() -> Iterator[str]:
    """A black hole: it takes the connection, and says nothing ever after."""
    with socket.socket() as hole:
        hole.bind(("127.0.0.1", 0))
        hole.listen(50)
        yield f"redis://127.0.0.1:{hole.getsockname()[1]}/0"


def never_connects() -> Iterator[str]:
    """A listener whose backlog is full: the kernel drops who wants to connect."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        callers = [socket.socket() for _ in range(4)]
        for caller in callers:
            caller.setblocking(False)
            caller.connect_ex(full.getsockname())
        yield f"redis://127.0.0.1:{full.getsockname()[1]}/0"
        for caller in callers:
            caller.close()


AWAY = [nobody_listens, never_answers, never_connects]


@pytest.fixture(params=AWAY, ids=lambda away: away.__name__)
def dead_broker(request, broker) -> Iterator[None]:
    """Point the bell to a broker that is away in one of three ways."""
    away = request.param()
    broker(next(away))
    yield
    next(away, None)


class BlackHole(threading.Thread):
    """A broker that takes each connection, answers nothing, and counts its callers."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=50)
        self.callers: list[socket.socket] = []

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.listener.getsockname()[1]}/0"

    def run(self) -> None:
        with contextlib.suppress(OSError):  # closed: the test has ended
            while True:
                self.callers.append(self.listener.accept()[0])

    def close(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.join()
        for caller in self.callers:
            caller.close()


@pytest.fixture
def black_hole(broker) -> Iterator[BlackHole]:
    hole = BlackHole()
    hole.start()
    broker(hole.url)
    yield hole
    bell._hang_up()
    hole.close()


def book_at(company: Company, hour: int) -> None:
    """Book a visit as a service does it for a view."""
    book(
        request=BookingRequest(
            service=company.service,
            property=company.property,
            starts_at=local(TOMORROW, hour),
        ),
        actor=SYSTEM,
        now=NOW,
    )


def lost_hints(caplog) -> int:
    return sum("hint_lost" in record.getMessage() for record in caplog.records)


def test_one_call_costs_a_booking_less_than_a_second() -> None:
    """To connect, and to wait for the answer to the first command: each once."""
    with bell._impatient_connection() as connection:
        options: Any = connection.transport_options

    assert options["socket_connect_timeout"] + options["socket_timeout"] <= 0.6
    assert (options["max_retries"], options["retry_on_timeout"]) == (0, False)


def test_bookings_do_not_wait_for_a_broker_that_is_away(dead_broker, caplog) -> None:
    company = make_company()

    for hour in (8, 10, 12):
        book_at(company, hour)

    assert Appointment.objects.count() == 3
    assert Event.objects.waiting().count() == 3  # nothing is lost
    assert lost_hints(caplog) == 1  # the first found out, and the others were spared


def test_a_black_hole_is_dialled_once_in_a_while(black_hole, monkeypatch) -> None:
    company = make_company()

    for hour in (8, 10, 12):
        book_at(company, hour)
    dialled_at_first = len(black_hole.callers)
    monkeypatch.setattr(bell, "_rests_until", 0.0)  # five seconds later
    book_at(company, 14)

    assert dialled_at_first == 1
    assert len(black_hole.callers) == 2


def test_each_of_many_threads_finds_out_once_at_most(black_hole) -> None:
    def ring_often() -> None:
        try:
            for _ in range(10):
                with transaction.atomic():
                    bell.ring("core.tasks.publish_events")
        finally:
            bell._hang_up()
            db.close()

    with ThreadPoolExecutor(4) as threads:
        for ringing in [threads.submit(ring_often) for _ in range(4)]:
            ringing.result()

    assert 1 <= len(black_hole.callers) <= 4


def test_a_broker_that_failed_is_left_alone_for_a_while(dead_broker, caplog) -> None:
    for _ in range(20):
        with transaction.atomic():
            bell.ring("core.tasks.publish_events")

    assert bell._rests_until > time.monotonic()
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert lost_hints(caplog) == 1


def test_the_health_check_tells_that_it_is_away(dead_broker) -> None:
    health = check_health(now=timezone.now())

    assert health.checks["broker"] == "down"


class TestRingingOnce:
    """What is asked for twice in a transaction is rung for once."""

    def test_for_the_same_work(self, queue) -> None:
        with transaction.atomic():
            for _ in range(3):
                bell.ring("core.tasks.prune")

        assert waiting_in(queue) == [("core.tasks.prune", {})]

    def test_but_not_where_the_first_was_rolled_back(self, queue) -> None:
        with transaction.atomic():
            with transaction.atomic():
                bell.ring("core.tasks.prune")
                transaction.set_rollback(True)
            bell.ring("core.tasks.prune")

        assert waiting_in(queue) == [("core.tasks.prune", {})]

    def test_of_a_crowd_for_a_few(self, queue) -> None:
        with transaction.atomic():
            for n in range(5):
                bell.ring("core.tasks.deliver", crowd=("them", 2), message_id=n)
            bell.ring("core.tasks.deliver", crowd=("others", 2), message_id=9)

        rung = [ids["message_id"] for _, ids in waiting_in(queue)]
        assert rung == [0, 1, 9]

    def test_until_somebody_has_heard_it(self, queue) -> None:
        for _ in range(3):
            with transaction.atomic():
                bell.ring("core.tasks.prune")
        rung_before = len(waiting_in(queue))
        bell.heard("core.tasks.prune")
        with transaction.atomic():
            bell.ring("core.tasks.prune")

        assert (rung_before, len(waiting_in(queue))) == (1, 2)

    def test_or_for_a_second(self, queue, monkeypatch) -> None:
        monkeypatch.setattr(bell, "RINGS_MILLISECONDS", 1)
        for _ in range(2):
            with transaction.atomic():
                bell.ring("core.tasks.prune")
            time.sleep(0.01)

        assert len(waiting_in(queue)) == 2

    def test_hearing_it_needs_no_broker(self, dead_broker) -> None:
        bell.heard("core.tasks.prune")

        assert not hasattr(bell._local, "connection")  # the next one dials anew

    def test_in_the_queue_of_its_kind(self, queue) -> None:
        queue.delete("webhooks-of-the-tests")
        with transaction.atomic():
            bell.ring("core.tasks.deliver", queue="webhooks-of-the-tests", message_id=1)

        assert waiting_in(queue) == []
        assert queue.llen("webhooks-of-the-tests") == 1
        queue.delete("webhooks-of-the-tests")


def test_a_hint_reaches_the_broker_after_the_commit_and_not_before(queue) -> None:
    with transaction.atomic():
        message = tell()
        too_early = waiting_in(queue)

    assert too_early == []
    assert waiting_in(queue) == [("core.tasks.deliver", {"message_id": message.pk})]


def test_what_was_rolled_back_is_not_rung_for(queue) -> None:
    with transaction.atomic():
        tell()
        transaction.set_rollback(True)

    assert waiting_in(queue) == []


def test_a_broker_that_was_emptied_is_told_again(queue) -> None:
    message = tell()
    queue.delete(QUEUE)
    OutboxMessage.objects.update(hinted_at=Now() - timedelta(seconds=6))

    sweep()

    assert waiting_in(queue) == [("core.tasks.deliver", {"message_id": message.pk})]


def test_the_bell_works_again_when_the_broker_is_back(
    queue, broker, monkeypatch
) -> None:
    here = settings.CELERY_BROKER_URL
    away = nobody_listens()
    broker(next(away))
    message = tell()
    broker(here)
    monkeypatch.setattr(bell, "_rests_until", 0.0)
    OutboxMessage.objects.update(hinted_at=Now() - HOUR)

    sweep()

    assert waiting_in(queue) == [("core.tasks.deliver", {"message_id": message.pk})]

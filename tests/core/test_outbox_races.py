"""Several workers at once, and workers that die: each with its own connection."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.utils import timezone

from core import outbox
from core.ids import uuid7
from core.models import OutboxMessage
from core.models.outbox import OPEN, OutboxStatus
from core.outbox import Outcome, holding
from core.services import deliver, publish_waiting, sweep
from tests.core.outbox_rows import happen, tell
from tests.outside import FAILED, OK, drain, skip_waiting

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]

WORKERS = 8


def at_once(*jobs: Callable[[], Any]) -> list[Any]:
    """Run each job in a thread of its own, all from one moment on."""
    barrier = threading.Barrier(len(jobs))

    def run(job: Callable[[], Any]) -> Any:
        try:
            barrier.wait()
            return job()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return [future.result() for future in [pool.submit(run, job) for job in jobs]]


def work_until_done(*, written: threading.Event | None = None) -> int:
    """Do as a worker does, until all is `written` and nothing is left to send."""
    made = 0
    while True:
        is_last_look = written is None or written.is_set()
        open_ones = OutboxMessage.objects.filter(status__in=OPEN).order_by("pk")
        waiting = list(open_ones.values_list("pk", flat=True)[:20])
        if not waiting and is_last_look:
            return made
        for message_id in waiting:
            made += deliver(message_id=message_id, now=timezone.now())


class Watch:
    """Answers slowly, and notes whether two messages of a line were out at once."""

    def __init__(self, *, seconds: float) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._out: set[str] = set()
        self.overlaps: list[int] = []

    def __call__(self, message: OutboxMessage) -> Outcome:
        with self._lock:
            if message.ordering_key in self._out:
                self.overlaps.append(message.pk)
            self._out.add(message.ordering_key)
        time.sleep(self._seconds)
        with self._lock:
            self._out.discard(message.ordering_key)
        return OK


def test_one_of_eight_claims_wins() -> None:
    message = tell()

    found = at_once(
        *[lambda: outbox.claim(message_id=message.pk, now=timezone.now())] * WORKERS
    )

    winners = [claimed for claimed in found if claimed]
    message.refresh_from_db()
    assert len(winners) == 1
    assert message.lease_token == winners[0].lease_token
    assert message.attempts == 1


def test_one_of_eight_takes_over_a_dead_workers_message() -> None:
    message = tell()
    outbox.claim(message_id=message.pk, now=timezone.now())
    skip_waiting()

    found = at_once(
        *[lambda: outbox.claim(message_id=message.pk, now=timezone.now())] * WORKERS
    )

    assert len([claimed for claimed in found if claimed]) == 1
    assert message.delivery_attempts.count() == 1


def test_eight_workers_keep_the_order_of_each_line(outside) -> None:
    watch = outside.otherwise = Watch(seconds=0.002)
    things = [uuid7() for _ in range(6)]
    for n in range(15):
        for thing in things:
            tell(n, of=thing, destination=f"to {thing}")

    at_once(*[work_until_done] * WORKERS)

    told: dict[object, list[object]] = {}
    for message in outside.heard:
        told.setdefault(message.aggregate_id, []).append(message.payload["n"])
    assert told == {thing: list(range(15)) for thing in things}
    assert watch.overlaps == []


def test_eight_workers_that_take_along_keep_the_order_of_each_line(
    outside, settings
) -> None:
    settings.OUTBOX_LEASES_PER_DESTINATION = 8
    watch = outside.otherwise = Watch(seconds=0.001)
    things = [uuid7() for _ in range(6)]
    messages = [tell(n, of=thing) for n in range(20) for thing in things]
    ids = [message.pk for message in messages]

    def take_along(first: int) -> int:
        budget = timedelta(seconds=20)
        hints = ids[first::WORKERS]
        return sum(
            deliver(message_id=pk, now=timezone.now(), budget=budget) for pk in hints
        )

    made = at_once(*[lambda n=n: take_along(n) for n in range(WORKERS)])
    drain()  # what the last of them saw in front of its own

    told: dict[object, list[object]] = {}
    for message in outside.heard:
        told.setdefault(message.aggregate_id, []).append(message.payload["n"])
    assert told == {thing: list(range(20)) for thing in things}
    assert watch.overlaps == []
    assert sum(made) <= len(outside.heard) == len(ids)
    assert {message.delivery_attempts.count() for message in messages} == {1}


def test_eight_workers_send_the_newest_state_and_never_two_at_once(outside) -> None:
    watch = outside.otherwise = Watch(seconds=0.005)
    written = threading.Event()

    def write() -> None:
        for n in range(1, 61):
            tell(n, coalesce=True)
        written.set()

    at_once(write, *[lambda: work_until_done(written=written)] * WORKERS)

    told = outside.told
    ended = Counter(OutboxMessage.objects.values_list("status", flat=True))
    assert told == sorted(told)
    assert told[-1] == 60
    assert watch.overlaps == []
    assert ended == {
        OutboxStatus.DELIVERED: len(told),
        OutboxStatus.SUPERSEDED: 60 - len(told),
    }


def test_a_death_between_the_answer_and_the_note_repeats_the_key(
    outside, monkeypatch
) -> None:
    message = tell()

    def die(**_: Any) -> bool:
        raise SystemExit("kill -9")

    with monkeypatch.context() as dying:
        dying.setattr(outbox, "finish", die)
        with pytest.raises(SystemExit):
            deliver(message_id=message.pk, now=timezone.now())
    too_early = drain()
    skip_waiting()
    drain()

    message.refresh_from_db()
    assert too_early == 0
    assert [heard.key for heard in outside.heard] == [message.key] * 2
    assert message.status == OutboxStatus.DELIVERED
    assert outside.heard[1].last_outcome == "unknown"


def test_the_keeper_of_leases_wakes_up_by_itself(outside, monkeypatch) -> None:
    monkeypatch.setattr(holding, "PROLONG_SECONDS", 0.02)
    left: list[timedelta] = []

    def wait(message: OutboxMessage) -> Outcome:
        rows = OutboxMessage.objects.filter(pk=message.pk)
        rows.update(lease_until=Now() + timedelta(seconds=1))
        for _ in range(500):
            ends_at, here = rows.values_list("lease_until", Now()).get()
            left.append(ends_at - here)
            if left[-1] > timedelta(seconds=2):
                break
            time.sleep(0.02)
        return OK

    outside.answers = [wait]
    message = tell()
    is_over = threading.Event()
    monkeypatch.setattr(holding, "_is_over", is_over)
    keeper = holding.keep_leases()
    deliver(message_id=message.pk, now=timezone.now())
    is_over.set()
    keeper.join()
    holding.keep_leases.cache_clear()

    assert left[-1] > timedelta(seconds=2)


def test_sweeps_at_once_ring_once_for_each(hints) -> None:
    messages = [tell(of=uuid7(), destination=f"to {n}") for n in range(40)]
    OutboxMessage.objects.update(hinted_at=None)
    hints.clear()

    found = at_once(*[sweep] * 4)

    rung = Counter(ids["message_id"] for _, ids in hints)
    assert sum(found) == 40
    assert rung == Counter(message.pk for message in messages)


def test_eight_workers_publish_each_event_once_and_in_order(outside, settings) -> None:
    settings.EVENT_HANDLERS = {"thing.happened": ["tests.core.listeners.pass_on"]}
    things = [uuid7() for _ in range(5)]
    for _ in range(8):
        for thing in things:
            happen(of=thing)

    counts = at_once(*[lambda: publish_waiting(budget=timedelta(seconds=20))] * WORKERS)
    while publish_waiting(budget=timedelta(seconds=20)):
        pass  # what the last of them left to the others

    written: dict[object, list[int]] = {}
    for message in OutboxMessage.objects.order_by("pk"):
        written.setdefault(message.aggregate_id, []).append(message.payload["n"])
    assert sum(counts) <= 40
    assert written == {thing: [1, 2, 3, 4, 5, 6, 7, 8] for thing in things}


def test_an_outage_heals_without_a_repeated_success(outside) -> None:
    outside.otherwise = FAILED
    for n in range(12):
        tell(n, of=uuid7(), destination=f"to {n}")
    drain()
    outside.otherwise = OK

    skip_waiting()
    drain()

    delivered = [message.pk for message in outside.heard[12:]]
    assert len(delivered) == len(set(delivered)) == 12

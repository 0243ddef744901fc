"""A message on its way out: written, leased, sent, tried again, given up."""

import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models.functions import Now
from django.utils import timezone

from core import outbox
from core.ids import uuid7
from core.models import DeliveryAttempt, OutboxMessage
from core.models.outbox import AttemptOutcome, OutboxStatus
from core.outbox import (
    LEASE,
    RETRY_SECONDS,
    Outcome,
    enqueue,
    holding,
    retry_delay,
)
from core.services import deliver, sweep
from tests.core.outbox_rows import happen, tell
from tests.outside import FAILED, OK, PARKED, REJECTED, UNKNOWN, drain, skip_waiting

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


def claim(message: OutboxMessage) -> Any:
    return outbox.claim(message_id=message.pk, now=timezone.now())


def finish(message: OutboxMessage, outcome: Outcome) -> bool:
    return outbox.finish(
        message=message, outcome=outcome, started_at=timezone.now(), seconds=0.5
    )


def seconds_until_due(message: OutboxMessage) -> float:
    """Return how long the database says the message still waits."""
    rows = OutboxMessage.objects.filter(pk=message.pk)
    due_at, here = rows.values_list("next_attempt_at", Now()).get()
    return float((due_at - here).total_seconds())


class TestWriting:
    """Into the outbox."""

    @pytest.mark.django_db(transaction=True)
    def test_a_message_needs_the_transaction_of_its_change(self) -> None:
        with pytest.raises(RuntimeError, match="transaction"):
            enqueue(kind="test", destination="x", of=("thing", uuid7()), payload={})

    def test_it_goes_with_the_change_that_is_rolled_back(self) -> None:
        with transaction.atomic():
            tell()
            transaction.set_rollback(True)

        assert not OutboxMessage.objects.exists()

    def test_a_destination_hears_of_an_event_once(self) -> None:
        event = happen()

        first, second = tell(event=event), tell(event=event)
        other = tell(event=event, destination="somebody else")

        assert first.pk == second.pk
        assert other.pk != first.pk

    def test_the_request_id_of_the_event_goes_with_it(self) -> None:
        event = happen()
        type(event).objects.update(request_id="request-1234")
        event.refresh_from_db()

        assert tell(event=event).request_id == "request-1234"

    @pytest.mark.django_db(transaction=True)
    def test_a_worker_is_rung_after_the_commit(self, hints) -> None:
        with transaction.atomic():
            message = tell()
            rung_before = list(hints)

        assert rung_before == []
        assert hints == [("core.tasks.deliver", {"message_id": message.pk})]


class TestSending:
    """Out of the outbox."""

    def test_a_message_is_delivered_once(self, outside) -> None:
        message = tell()

        tries = drain() + drain()

        message.refresh_from_db()
        assert (tries, outside.told) == (1, [1])
        assert message.status == OutboxStatus.DELIVERED
        assert message.finished_at is not None
        assert message.lease_token is None

    def test_each_try_is_written_down(self, outside) -> None:
        outside.answers = [
            Outcome(
                kind=AttemptOutcome.RETRYABLE,
                http_status=503,
                error="busy\0",
                response_excerpt="\ud800" + "x" * 3000,
                retry_after=timedelta(seconds=7),
            )
        ]
        message = tell()

        drain()
        skip_waiting()
        drain()

        first, second = message.delivery_attempts.order_by("number")
        assert (first.outcome, first.http_status, first.error) == (
            "retryable",
            503,
            "busy",
        )
        assert len(first.response_excerpt) == 2000
        assert first.retry_after_seconds == 7
        assert (second.number, second.outcome) == (2, "ok")

    @pytest.mark.django_db(transaction=True)
    def test_no_transaction_is_open_while_the_outside_is_called(self, outside) -> None:
        open_transactions = []

        def look(message: OutboxMessage) -> Outcome:
            open_transactions.append(connection.in_atomic_block)
            return OK

        outside.answers = [look]
        tell()
        drain()

        assert open_transactions == [False]

    def test_a_kind_that_nobody_delivers_is_given_up(self, outside) -> None:
        message = tell(kind="pigeon")

        drain()

        message.refresh_from_db()
        assert message.status == OutboxStatus.DEAD
        assert "pigeon" in message.last_error

    def test_a_bug_in_a_deliverer_is_an_unknown_outcome(self, outside) -> None:
        outside.answers = [KeyError("nobody knows")]
        message = tell()

        drain()

        message.refresh_from_db()
        assert message.status == OutboxStatus.PENDING
        assert message.last_outcome == "unknown"
        assert "KeyError" in message.last_error


class TestTryingAgain:
    """Failures."""

    def test_the_schedule_is_the_promised_one(self) -> None:
        waits = [retry_delay(attempts=n).total_seconds() for n in range(14)]

        assert waits == [
            *(0, 5, 30, 120, 600, 1800, 3600, 7200),
            *(14400, 28800, 43200, 86400, 86400, 86400),
        ]

    def test_behind_a_breaker_the_first_tries_follow_soon(self) -> None:
        """A vendor that fails one call in twenty holds nothing up for minutes."""
        waits = [
            retry_delay(attempts=n, is_guarded=True).total_seconds()
            for n in range(1, 14)
        ]

        assert waits[:5] == [1, 3, 6, 12, 30]
        assert sum(waits[:12]) > timedelta(hours=40).total_seconds()

    @pytest.mark.parametrize(("jitter", "seconds"), [(-1, 24), (0, 30), (1, 36)])
    def test_waits_are_spread_by_a_fifth(self, jitter, seconds) -> None:
        assert retry_delay(attempts=2, jitter=jitter) == timedelta(seconds=seconds)

    @pytest.mark.parametrize(
        ("asked", "waits"),
        [
            (timedelta(seconds=1), timedelta(seconds=5)),  # never shorter
            (timedelta(seconds=90), timedelta(seconds=90)),
            (timedelta(days=400), timedelta(hours=6)),  # never absurd
        ],
    )
    def test_the_receiver_may_ask_for_more_time(self, asked, waits) -> None:
        assert retry_delay(attempts=1, retry_after=asked) == waits

    @pytest.mark.parametrize("failure", [FAILED, UNKNOWN])
    def test_a_failed_message_waits_and_comes_again(self, outside, failure) -> None:
        outside.answers = [failure, failure]
        message = tell()

        drain()
        first_wait = seconds_until_due(message)
        too_early = drain()
        skip_waiting()
        drain()
        second_wait = seconds_until_due(message)

        assert 3.5 < first_wait <= 6
        assert too_early == 0
        assert 23 < second_wait <= 36

    def test_after_thirteen_tries_it_is_dead(self, outside, caplog) -> None:
        outside.otherwise = FAILED
        message = tell()

        for _ in range(20):
            drain()
            skip_waiting()

        message.refresh_from_db()
        assert message.status == OutboxStatus.DEAD
        assert len(outside.heard) == message.delivery_attempts.count() == 13
        assert len(RETRY_SECONDS) == 13
        assert "outbox_message_dead" in caplog.text

    def test_every_try_carries_the_same_key(self, outside) -> None:
        outside.answers = [FAILED, UNKNOWN]
        message = tell()

        for _ in range(3):
            drain()
            skip_waiting()

        assert [heard.key for heard in outside.heard] == [message.key] * 3

    def test_a_rejected_message_is_not_tried_again(self, outside) -> None:
        outside.answers = [REJECTED]
        message = tell()

        drain()
        skip_waiting()
        drain()

        message.refresh_from_db()
        assert message.status == OutboxStatus.DEAD
        assert len(outside.heard) == 1

    def test_an_expired_message_is_not_sent(self, outside) -> None:
        message = tell(expires_at=timezone.now() + HOUR)

        drain(now=timezone.now() + 2 * HOUR)

        message.refresh_from_db()
        assert outside.heard == []
        assert message.status == OutboxStatus.DEAD
        assert message.last_error == "Its time had passed."

    def test_a_parked_message_uses_up_no_try(self, outside) -> None:
        outside.answers = [PARKED]
        message = tell()

        drain()

        message.refresh_from_db()
        assert message.status == OutboxStatus.PARKED
        assert message.attempts == 0
        assert not DeliveryAttempt.objects.exists()


class TestLeases:
    """Who may send it now."""

    def test_a_leased_message_is_nobody_elses(self) -> None:
        message = tell()

        first, second = claim(message), claim(message)

        assert first is not None
        assert second is None

    def test_an_expired_lease_is_taken_over(self, outside) -> None:
        message = tell()
        claim(message)
        skip_waiting()

        drain()

        message.refresh_from_db()
        assert message.status == OutboxStatus.DELIVERED
        lost, sent = message.delivery_attempts.order_by("number")
        assert (lost.outcome, sent.outcome) == ("unknown", "ok")
        assert outside.heard[0].last_outcome == "unknown"

    def test_a_lease_is_short_for_those_who_die(self) -> None:
        message = tell()
        claim(message)

        ends_at, here = OutboxMessage.objects.values_list("lease_until", Now()).get()
        assert LEASE - timedelta(seconds=3) < ends_at - here <= LEASE
        assert timedelta(seconds=3 * holding.PROLONG_SECONDS) <= LEASE

    def test_and_prolonged_for_those_who_wait_for_an_answer(self, outside) -> None:
        prolonged: list[tuple[int, timedelta]] = []

        def wait(message: OutboxMessage) -> Outcome:
            OutboxMessage.objects.update(lease_until=Now() + timedelta(seconds=1))
            number = holding.prolong()
            rows = OutboxMessage.objects.filter(pk=message.pk)
            ends_at, here = rows.values_list("lease_until", Now()).get()
            prolonged.append((number, ends_at - here))
            return OK

        outside.answers = [wait]
        tell()
        claim(tell(2, of=uuid7()))  # another process has it

        drain()

        [(number, left)] = prolonged
        assert number == 1
        assert left > LEASE - timedelta(seconds=3)
        assert holding.prolong() == 0

    def test_but_not_for_ever_nor_for_whom_it_was_taken_from(
        self, outside, monkeypatch
    ) -> None:
        prolonged = []

        def wait(message: OutboxMessage) -> Outcome:
            OutboxMessage.objects.update(lease_token=uuid7())
            prolonged.append(holding.prolong())
            return OK

        def hang(message: OutboxMessage) -> Outcome:
            prolonged.append(holding.prolong())
            return OK

        outside.answers = [wait, hang]
        tell()
        drain()
        skip_waiting()
        monkeypatch.setattr(holding, "LONGEST_TRY", 0.0)
        drain()

        assert prolonged == [0, 0]

    def test_a_zombie_changes_nothing(self) -> None:
        message = tell()
        zombie = claim(message)
        skip_waiting()
        heir = claim(message)

        buried = finish(zombie, REJECTED)
        message.refresh_from_db()
        between = message.status
        done = finish(heir, OK)
        late = finish(zombie, REJECTED)

        message.refresh_from_db()
        assert (buried, done, late) == (False, True, False)
        assert between == OutboxStatus.LEASED
        assert message.status == OutboxStatus.DELIVERED
        outcomes = message.delivery_attempts.values_list("outcome", flat=True)
        assert sorted(outcomes) == ["ok", "unknown"]

    def test_a_message_that_kills_each_worker_is_given_up(self, caplog) -> None:
        message = tell()

        for _ in range(15):
            claim(message)
            skip_waiting()

        message.refresh_from_db()
        assert message.status == OutboxStatus.DEAD
        assert message.attempts == 13
        assert message.delivery_attempts.count() == 13
        assert "outbox_message_dead" in caplog.text

    def test_one_slow_destination_holds_few_workers(self, settings) -> None:
        settings.OUTBOX_LEASES_PER_DESTINATION = 2
        messages = [tell(of=uuid7()) for _ in range(4)]

        leased = [claim(message) for message in messages]
        elsewhere = claim(tell(99, destination="somebody else"))

        assert [bool(each) for each in leased] == [True, True, False, False]
        assert elsewhere is not None


@pytest.mark.django_db(transaction=True)
class TestTakingAlong:
    """Who came for one message takes along what else waits for its destination."""

    LONG = timedelta(minutes=1)

    def take(self, message: OutboxMessage, budget: timedelta = LONG) -> int:
        return deliver(message_id=message.pk, now=timezone.now(), budget=budget)

    def test_a_budget_takes_the_others_along_the_oldest_first(self, outside) -> None:
        first, *_ = [tell(n, of=uuid7()) for n in (1, 2, 3)]
        tell(4, destination="somebody else")
        tell(5, kind="other kind")

        made = self.take(first)

        assert made == 3
        assert outside.told == [1, 2, 3]

    def test_messages_of_one_thing_keep_their_order(self, outside) -> None:
        outside.answers = [OK, FAILED]
        first, *_ = [tell(n) for n in (1, 2, 3)]
        tell(4, of=uuid7())

        self.take(first)

        assert outside.told == [1, 2, 4]  # 3 waits for the retry of 2

    def test_what_is_not_due_or_on_its_way_or_spent_stays(self, outside) -> None:
        waits, gone, spent = (tell(n, of=uuid7()) for n in (2, 3, 4))
        rows = OutboxMessage.objects
        rows.filter(pk=waits.pk).update(next_attempt_at=Now() + HOUR)
        rows.filter(pk=gone.pk).update(expires_at=timezone.now() - HOUR)
        rows.filter(pk=spent.pk).update(attempts=13)
        claim(tell(5, of=uuid7()))

        self.take(tell(1, of=uuid7()))

        assert outside.told == [1]

    def test_without_a_budget_the_next_is_rung_for(self, outside, hints) -> None:
        first, second = tell(1), tell(2)
        hints.clear()

        self.take(first, timedelta(0))

        assert outside.told == [1]
        assert hints == [("core.tasks.deliver", {"message_id": second.pk})]

    def test_what_cannot_be_taken_along_is_rung_for(self, outside, hints) -> None:
        first, second = tell(1), tell(2, expires_at=timezone.now() - HOUR)
        hints.clear()

        self.take(first)

        assert hints == [("core.tasks.deliver", {"message_id": second.pk})]

    def test_the_time_of_a_try_goes_on_with_the_clock(self, outside) -> None:
        def slow(message: OutboxMessage) -> Outcome:
            time.sleep(0.02)
            return OK

        outside.otherwise = slow
        first, second = (tell(n, of=uuid7()) for n in (1, 2))

        self.take(first)

        began = [m.delivery_attempts.get().started_at for m in (first, second)]
        assert began[1] - began[0] >= timedelta(seconds=0.02)

    def test_a_destination_that_is_busy_is_left_alone(self, outside, settings) -> None:
        settings.OUTBOX_LEASES_PER_DESTINATION = 2
        for n in (1, 2):
            claim(tell(n, of=uuid7()))

        made = self.take(tell(3, of=uuid7()))

        assert made == 0

    def test_of_a_crowd_only_as_many_are_rung_for_as_can_go(
        self, outside, hints, settings
    ) -> None:
        settings.OUTBOX_LEASES_PER_DESTINATION = 2
        with transaction.atomic():
            messages = [tell(n, of=uuid7()) for n in range(5)]
            other = tell(9, destination="somebody else")

        rung = [ids["message_id"] for _, ids in hints]
        assert rung == [messages[0].pk, messages[1].pk, other.pk]


class TestOrder:
    """What a destination is told of one thing, it is told in order."""

    def test_a_later_message_waits_for_an_earlier(self, outside) -> None:
        outside.answers = [FAILED]
        first, second = tell(1), tell(2)

        too_early = deliver(message_id=second.pk, now=timezone.now())
        drain()
        told_before_retry = list(outside.told)
        skip_waiting()
        drain()

        assert not too_early
        assert told_before_retry == [1]
        assert outside.told == [1, 1, 2]
        assert first.ordering_key == second.ordering_key

    def test_other_things_and_destinations_do_not_wait(self, outside) -> None:
        outside.answers = [FAILED]
        tell(1)
        tell(2, of=uuid7())
        tell(3, destination="somebody else")

        drain()

        assert outside.told == [1, 2, 3]

    def test_a_dead_message_lets_the_next_pass(self, outside) -> None:
        outside.answers = [REJECTED]
        tell(1)
        tell(2)

        drain()

        assert outside.told == [1, 2]


class TestCoalescing:
    """Of states only the newest is sent."""

    def test_the_newest_goes_instead_of_the_older(self, outside) -> None:
        messages = [tell(n, coalesce=True) for n in (1, 2, 3)]

        drain()

        statuses = [OutboxMessage.objects.get(pk=m.pk).status for m in messages]
        assert outside.told == [3]
        assert statuses == ["superseded", "superseded", "delivered"]

    def test_claiming_the_newest_supersedes_those_before_it(self, outside) -> None:
        messages = [tell(n, coalesce=True) for n in (1, 2, 3)]

        deliver(message_id=messages[2].pk, now=timezone.now())

        statuses = [OutboxMessage.objects.get(pk=m.pk).status for m in messages]
        assert statuses == ["superseded", "superseded", "delivered"]

    def test_a_newer_state_waits_while_an_older_is_being_sent(self) -> None:
        older = claim(tell(1, coalesce=True))
        newer = tell(2, coalesce=True)

        meanwhile = claim(newer)
        finish(older, OK)

        assert meanwhile is None
        assert claim(newer) is not None

    def test_a_failed_state_makes_way_for_a_newer(self, outside) -> None:
        outside.answers = [FAILED]
        older = tell(1, coalesce=True)
        drain()
        tell(2, coalesce=True)

        drain()

        older.refresh_from_db()
        assert outside.told == [1, 2]
        assert older.status == OutboxStatus.SUPERSEDED

    def test_events_are_not_swallowed_by_states(self, outside) -> None:
        tell(1)
        tell(2, coalesce=True)
        tell(3, coalesce=True)
        tell(4)

        drain()

        assert outside.told == [1, 3, 4]


@pytest.mark.django_db(transaction=True)
class TestSweep:
    """Nothing is lost with a hint."""

    def test_a_lost_hint_is_made_good(self, outside, hints) -> None:
        message = tell()
        hints.clear()  # the broker was emptied

        at_once = sweep()
        OutboxMessage.objects.update(hinted_at=Now() - timedelta(seconds=6))
        later = sweep()
        again = sweep()

        assert (at_once, later, again) == (0, 1, 0)
        assert hints == [("core.tasks.deliver", {"message_id": message.pk})]

    def test_it_rings_for_retries_and_dead_workers_but_for_nobody_else(
        self, outside, hints
    ) -> None:
        outside.answers = [FAILED, FAILED]
        retry = tell(1, destination="a")
        deliver(message_id=retry.pk, now=timezone.now())
        orphan = tell(2, destination="b")
        claim(orphan)
        skip_waiting()
        tell(3, destination="b")  # waits for the orphan
        later = tell(4, destination="c")
        deliver(message_id=later.pk, now=timezone.now())
        OutboxMessage.objects.update(hinted_at=None)
        hints.clear()

        found = sweep()

        rung = {ids["message_id"] for _, ids in hints}
        assert found == 2
        assert rung == {retry.pk, orphan.pk}

    def test_a_long_queue_does_not_crowd_out_the_others(self, hints, settings) -> None:
        settings.OUTBOX_LEASES_PER_DESTINATION = 1
        queue = [tell(n, of=uuid7(), destination="slow") for n in range(9)]
        other = tell(destination="quick")
        OutboxMessage.objects.update(hinted_at=None)
        hints.clear()

        found = sweep()
        claim(queue[0])
        OutboxMessage.objects.update(hinted_at=None)
        while_it_is_busy = sweep()

        rung = [ids["message_id"] for _, ids in hints]
        assert (found, while_it_is_busy) == (2, 1)
        assert rung == [queue[0].pk, other.pk, other.pk]

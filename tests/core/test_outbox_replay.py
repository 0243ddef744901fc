"""What people do with messages, and what time does."""

from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from core.actors import SYSTEM
from core.errors import Conflict, NotFound
from core.ids import uuid7
from core.models import DeliveryAttempt, Event, IdempotencyRecord, OutboxMessage
from core.models.outbox import OutboxStatus
from core.services import NotReplayable, cancel, prune, replay, replay_many
from core.services.replaying import park, unpark
from tests.core.outbox_rows import tell
from tests.outside import FAILED, OK, REJECTED, drain, skip_waiting

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


def again(message: OutboxMessage) -> OutboxMessage:
    return replay(key=message.key, actor=SYSTEM, now=timezone.now())


def audited(name: str) -> int:
    return Event.objects.filter(name=name).count()


class TestReplay:
    """Again, under the same key."""

    def test_a_dead_message_begins_a_new_chain_under_its_key(self, outside) -> None:
        outside.otherwise = FAILED
        message = tell()
        for _ in range(14):
            drain()
            skip_waiting()
        outside.otherwise = OK

        again(message)
        drain()

        message.refresh_from_db()
        assert message.status == OutboxStatus.DELIVERED
        assert message.attempts == 1
        assert {heard.key for heard in outside.heard} == {message.key}
        numbers = message.delivery_attempts.values_list("number", flat=True)
        assert sorted(numbers) == list(range(1, 15))

    def test_twice_is_as_good_as_once(self, outside) -> None:
        outside.answers = [REJECTED]
        message = tell()
        drain()

        again(message)
        again(message)
        drain()

        assert len(outside.heard) == 2
        assert audited("delivery.replayed") == 1

    def test_a_delivered_message_can_be_sent_again(self, outside) -> None:
        message = tell()
        drain()

        again(message)
        drain()

        assert [heard.key for heard in outside.heard] == [message.key] * 2

    def test_a_superseded_one_cannot(self, outside) -> None:
        older = tell(1, coalesce=True)
        tell(2, coalesce=True)
        drain()

        with pytest.raises(NotReplayable):
            again(older)

    def test_an_unknown_one_is_not_found(self) -> None:
        with pytest.raises(NotFound):
            replay(key=uuid7(), actor=SYSTEM, now=timezone.now())

    def test_a_replayed_message_no_longer_expires(self, outside) -> None:
        message = tell(expires_at=timezone.now() - MINUTE)
        drain()

        again(message)
        drain()

        assert outside.told == [1]

    def test_many_are_replayed_once(self, outside) -> None:
        outside.otherwise = REJECTED
        for n in range(5):
            tell(n, of=uuid7())
        drain()
        outside.otherwise = OK
        chosen = OutboxMessage.objects.filter(status=OutboxStatus.DEAD)
        asked = {"status": "dead"}

        counts = [
            replay_many(messages=chosen, actor=SYSTEM, now=timezone.now(), asked=asked)
            for _ in range(2)
        ]
        drain()

        event = Event.objects.get(name="deliveries.replayed")
        assert counts == [5, 0]
        assert outside.told == [0, 1, 2, 3, 4] * 2
        assert event.data == {"count": 5, "asked": asked}


class TestCancel:
    """Called off."""

    def test_a_waiting_message_is_not_sent(self, outside) -> None:
        message = tell()

        for _ in range(2):
            cancel(key=message.key, actor=SYSTEM, now=timezone.now(), reason="erased")
        drain()

        assert outside.heard == []
        assert audited("delivery.cancelled") == 1

    def test_a_sent_one_cannot_be_called_off(self, outside) -> None:
        message = tell()
        drain()

        with pytest.raises(Conflict):
            cancel(key=message.key, actor=SYSTEM, now=timezone.now(), reason="late")


class TestParking:
    """A destination is switched off, and on again."""

    def test_what_was_parked_goes_on_in_its_order(self, outside) -> None:
        for n in (1, 2):
            tell(n)
        elsewhere = tell(3, destination="somebody else")

        parked = park(kind="test", destination="somebody")
        drain()
        told_meanwhile = list(outside.told)
        unpark(kind="test", destination="somebody")
        drain()

        assert parked == 2
        assert told_meanwhile == [elsewhere.payload["n"]]
        assert outside.told == [3, 1, 2]


class TestPrune:
    """What has served its time is forgotten."""

    @pytest.mark.parametrize(
        ("status", "days", "kept"),
        [
            ("delivered", 29, True),
            ("delivered", 31, False),
            ("superseded", 31, False),
            ("cancelled", 31, False),
            ("dead", 31, True),
            ("dead", 91, False),
        ],
    )
    def test_finished_messages(self, outside, status, days, kept) -> None:
        tell()
        drain()
        ended = Now() - timedelta(days=days)
        OutboxMessage.objects.update(status=status, finished_at=ended)

        prune(now=timezone.now(), budget=MINUTE)

        assert OutboxMessage.objects.exists() is kept
        assert DeliveryAttempt.objects.exists() is kept

    def test_a_message_that_waits_is_never_forgotten(self) -> None:
        tell()
        OutboxMessage.objects.update(created_at=Now() - timedelta(days=400))

        prune(now=timezone.now(), budget=MINUTE)

        assert OutboxMessage.objects.exists()

    def test_in_batches(self, monkeypatch) -> None:
        monkeypatch.setattr("core.services.housekeeping.BATCH", 3)
        for n in range(8):
            tell(n)
        ended = Now() - timedelta(days=31)
        OutboxMessage.objects.update(status="delivered", finished_at=ended)

        assert prune(now=timezone.now(), budget=MINUTE) == 8
        assert not OutboxMessage.objects.exists()

    def test_spent_keys(self) -> None:
        now = timezone.now()
        for hours in (-1, 1):
            IdempotencyRecord.objects.create(
                principal="user", route="POST x", key=str(hours), request_hash="0",
                expires_at=now + timedelta(hours=hours),
            )  # fmt: skip

        prune(now=timezone.now(), budget=MINUTE)

        assert [record.key for record in IdempotencyRecord.objects.all()] == ["1"]

"""What vendors said is taken in: once, in any order, and whatever dies meanwhile."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connections
from django.db.models.functions import Now
from django.utils import timezone

from core.actors import SYSTEM
from core.models import Event
from integrations.connectors.port import Caller
from integrations.models import (
    Connection,
    ConnectionState,
    InboundEvent,
    InboundState,
    Vendor,
)
from integrations.rules.refusals import Busy, NoAnswer, NotAllowed, Postponed, Refused
from integrations.rules.things import Inbound, Remote
from integrations.services.connections import resume_connection
from integrations.services.inbox import leasing, processing, store_polled
from integrations.services.inbox.keeping import finished_callbacks
from integrations.services.inbox.storing import Said, store
from integrations.services.sync.polled import body_of as polled_body
from integrations.services.sync.records import thing_of
from leads.models import Customer
from tests.factories import make_customer
from tests.integrations.inbox.callers import (
    customer_changed,
    housecallpro,
    make_connection,
    nothing_for_us,
)
from tests.integrations.sync.company import link

pytestmark = pytest.mark.django_db(transaction=True)


def say(
    connection: Connection, body: bytes = b"{}", key: str = "1", **given: Any
) -> InboundEvent:
    """Store something that a vendor said, as if it had come through the door."""
    event_id, _ = store(
        connection=connection, said=Said(body=body, dedupe_key=key, **given)
    )
    return InboundEvent.objects.get(pk=event_id)


def say_customer(connection: Connection, **given: Any) -> InboundEvent:
    said = customer_changed(**given)
    return say(
        connection,
        housecallpro(said).body,
        key=f"{given}",
        event_type=said["event"],
        external_id="cus_1",
    )


def take_in(event: InboundEvent, *, now: datetime | None = None) -> InboundEvent:
    """Play a worker that got the hint."""
    processing.process_inbound(event_id=event.pk, now=now or timezone.now())
    return InboundEvent.objects.get(pk=event.pk)


def come_due() -> None:
    """Let the time of every retry come, and every lease end."""
    waiting = InboundEvent.objects.filter(state=InboundState.RECEIVED)
    waiting.update(next_attempt_at=Now())
    leased = InboundEvent.objects.filter(state=InboundState.LEASED)
    leased.update(lease_until=Now() - timedelta(seconds=1))


def fails(error: Exception) -> Callable[..., list[Remote]]:
    def read(call: Caller, event: Inbound) -> list[Remote]:
        raise error

    return staticmethod(read)


@pytest.fixture
def ada(connection) -> Customer:
    """Return a customer whom both sides know."""
    customer = make_customer(phone="+16025550101", email="ada@old.example")
    link(connection, "customer", customer.pk, remote=("customer", "cus_1"))
    return customer


def email_of(customer: Customer) -> str:
    thing = thing_of(kind="customer", object_id=customer.pk)
    assert thing is not None
    return str(thing.fields["email"])


def changes() -> int:
    """Return how often the customer was changed."""
    return Event.objects.filter(name="customer.updated").count()


@pytest.fixture
def titan(told) -> Connection:
    return make_connection(Vendor.SERVICETITAN)


class TestOnce:
    """An effect, and the mark that it was had, commit together."""

    def test_a_change_comes_in(self, connection, ada) -> None:
        event = take_in(say_customer(connection))

        assert (event.state, event.attempts) == ("processed", 1)
        assert event.finished_at is not None
        assert event.lease_token is None
        assert email_of(ada) == "ada@new.example"
        connection.health.refresh_from_db()
        assert connection.health.last_inbound_at == event.received_at

    def test_a_second_hint_finds_it_done(self, connection, ada) -> None:
        event = take_in(say_customer(connection))

        assert processing.process_inbound(event_id=event.pk, now=timezone.now()) == 0
        assert changes() == 1

    @pytest.mark.race
    def test_eight_workers_are_one(self, connection, ada) -> None:
        event = say_customer(connection)

        def one(_: int) -> int:
            try:
                return processing.process_inbound(event_id=event.pk, now=timezone.now())
            finally:
                connections.close_all()

        with ThreadPoolExecutor(8) as pool:
            tries = list(pool.map(one, range(8)))

        assert sorted(tries) == [0] * 7 + [1]
        assert changes() == 1

    def test_a_worker_goes_on_with_what_waits_behind(self, connection, ada) -> None:
        events = [
            say_customer(
                connection, email=f"ada@{n}.example", at=f"2026-11-20T1{n}:00:00Z"
            )
            for n in range(5)
        ]

        tries = processing.process_inbound(event_id=events[0].pk, now=timezone.now())

        assert tries == 5
        assert email_of(ada) == "ada@4.example"

    def test_what_is_nothing_to_us_is_ignored(self, connection) -> None:
        said = {"event": "estimate.sent", "estimate": {"id": "est_1"}}

        event = take_in(
            say(connection, housecallpro(said).body, event_type="estimate.sent")
        )

        assert (event.state, event.note) == ("ignored", "Nothing that we use.")

    def test_what_polling_found_needs_no_vendor(self, connection, ada) -> None:
        found = Remote(
            kind="customer",
            remote_type="customer",
            remote_id="cus_1",
            fields={"email": "ada@new.example"},
        )
        event = store_polled(
            connection=connection,
            remote=found,
            body=polled_body(found),
            dedupe_key="poll:1",
        )
        assert event is not None

        assert take_in(event).state == "processed"
        assert email_of(ada) == "ada@new.example"

    def test_the_connector_is_told_what_came(self, titan, told) -> None:
        at = datetime(2026, 11, 20, 10, tzinfo=UTC)
        headers = {"content-type": "application/json"}
        body = b'{"a":"\\u0000"}\xff'

        take_in(say(titan, body, event_type="job", occurred_at=at, headers=headers))

        assert told.heard == [
            Inbound(event_type="job", headers=headers, body=body, occurred_at=at)
        ]


class TestDisorder:
    """An older word does not undo a newer one."""

    def test_an_older_state_is_stale(self, connection, ada) -> None:
        newer = say_customer(
            connection, email="ada@new.example", at="2026-11-20T12:00:00Z"
        )
        older = say_customer(
            connection, email="ada@less.example", at="2026-11-20T11:00:00Z"
        )
        take_in(newer)
        older.refresh_from_db()

        assert older.state == "stale"
        assert email_of(ada) == "ada@new.example"
        assert changes() == 1

    def test_a_flood_in_any_order_ends_as_it_should(self, connection, ada) -> None:
        """Fifty repetitions of four states, the newest among the first."""
        for n in (2, 0, 3, 1) * 50:
            at = f"2026-11-20T1{n}:00:00Z"
            take_in(say_customer(connection, email=f"ada@{n}.example", at=at))

        states = InboundEvent.objects.order_by("pk").values_list("state", flat=True)
        assert list(states) == ["processed", "stale", "processed", "stale"]
        assert email_of(ada) == "ada@3.example"
        assert changes() == 2


class TestFailures:
    """It is tried again, later and later, and then given up."""

    @pytest.mark.parametrize(
        "error",
        [
            Busy("Come back later", status=503),
            NoAnswer("It said nothing"),
            Refused("No such job", status=404),
            ValueError("nonsense"),
        ],
    )
    def test_a_failure_is_tried_again(self, titan, told, error) -> None:
        told.means = fails(error)

        event = take_in(say(titan))

        assert (event.state, event.attempts) == ("received", 1)
        assert str(error) in event.note
        wait = event.next_attempt_at - timezone.now()
        assert timedelta(0) < wait <= timedelta(seconds=1.2)

    def test_it_is_given_up_with_its_reason(self, titan, told) -> None:
        told.means = fails(Busy("Come back later", status=503))
        event = say(titan)
        waits = []

        for _ in range(leasing.MAX_ATTEMPTS):
            come_due()
            event = take_in(event)
            waits.append((event.next_attempt_at - timezone.now()).total_seconds())

        assert (event.state, event.attempts) == ("dead", leasing.MAX_ATTEMPTS)
        assert event.note == "Come back later"
        assert event.finished_at is not None
        for wait, expected in zip(waits, leasing.RETRY_SECONDS, strict=False):
            assert 0.75 * expected - 1 < wait <= 1.2 * expected

    def test_what_comes_after_a_failure_is_not_held_up(self, titan, told) -> None:
        told.means = fails(ValueError("poison"))
        take_in(say(titan, key="1"))
        told.means = staticmethod(nothing_for_us)

        assert take_in(say(titan, key="2")).state == "ignored"

    def test_a_vendor_that_is_left_alone_costs_no_try(self, titan, told) -> None:
        minute = timedelta(minutes=1)
        told.means = fails(Postponed("The breaker is open", retry_after=minute))

        event = take_in(say(titan))

        assert (event.state, event.attempts) == ("received", 0)
        wait = event.next_attempt_at - timezone.now()
        assert timedelta(seconds=50) < wait <= minute

    def test_refused_credentials_wait_for_a_person(self, titan, told) -> None:
        told.means = fails(NotAllowed("Unauthorized", status=401))
        event = take_in(say(titan))
        titan.refresh_from_db()
        refused = (event.state, event.attempts, titan.state)
        come_due()
        while_waiting = take_in(event)
        told.means = staticmethod(nothing_for_us)

        resume_connection(connection_id=titan.pk, actor=SYSTEM, now=timezone.now())
        taken = take_in(event)

        assert refused == ("received", 0, ConnectionState.NEEDS_ATTENTION)
        assert (while_waiting.state, while_waiting.attempts) == ("received", 0)
        assert taken.state == "ignored"

    def test_what_a_paused_connection_hears_waits(self, connection, ada) -> None:
        Connection.objects.update(state=ConnectionState.PAUSED)
        event = say_customer(connection)
        InboundEvent.objects.update(hinted_at=None)

        assert take_in(event).state == "received"
        assert processing.sweep_inbox() == 0

        Connection.objects.update(state=ConnectionState.ACTIVE)
        assert processing.sweep_inbox() == 1
        assert take_in(event).state == "processed"


class TestDeaths:
    """Workers die, and come back too late."""

    def test_what_kills_its_worker_each_time_ends(self, titan) -> None:
        poison = say(titan, key="poison")
        claims = []

        for _ in range(20):
            claims.append(leasing.claim(event_id=poison.pk))
            come_due()  # its worker is gone, and so is its lease

        poison.refresh_from_db()
        assert len([one for one in claims if one]) == leasing.MAX_ATTEMPTS
        assert (poison.state, poison.note) == (
            "dead",
            "The worker that had it did not come back.",
        )
        assert take_in(say(titan, key="other")).state == "ignored"

    def test_a_lease_holds_as_long_as_it_says(self, titan) -> None:
        event = say(titan)

        first = leasing.claim(event_id=event.pk)

        assert first is not None
        assert leasing.claim(event_id=event.pk) is None
        held = first.lease_until - timezone.now()  # type: ignore[operator]  # leased
        assert timedelta(seconds=20) < held <= leasing.LEASE

    def test_who_comes_back_too_late_changes_nothing(self, connection, ada) -> None:
        event = say_customer(connection)
        zombie = leasing.claim(event_id=event.pk)
        assert zombie is not None
        come_due()
        taken = take_in(event)

        processing._try(zombie, now=timezone.now())

        event.refresh_from_db()
        assert event.state == taken.state == "processed"
        assert event.attempts == 2
        assert changes() == 1

    def test_and_what_it_has_done_is_undone(self, connection, ada) -> None:
        event = say_customer(connection)
        zombie = leasing.claim(event_id=event.pk)
        assert zombie is not None
        come_due()
        assert leasing.claim(event_id=event.pk) is not None

        processing._try(zombie, now=timezone.now())

        event.refresh_from_db()
        assert (event.state, event.attempts) == ("leased", 2)
        assert changes() == 0
        assert email_of(ada) == "ada@old.example"

    def test_the_sweep_rings_for_what_was_forgotten(self, titan, hints) -> None:
        lost, fresh, dead = (say(titan, key=key) for key in "abc")
        long_ago = Now() - timedelta(seconds=6)
        InboundEvent.objects.filter(pk=lost.pk).update(hinted_at=long_ago)
        leasing.claim(event_id=dead.pk)
        come_due()
        InboundEvent.objects.filter(pk=dead.pk).update(hinted_at=long_ago)
        hints.clear()

        rung = processing.sweep_inbox()
        again = processing.sweep_inbox()

        assert (rung, again) == (2, 0)
        assert {arguments["event_id"] for _, arguments in hints} == {lost.pk, dead.pk}
        assert fresh.pk not in {arguments["event_id"] for _, arguments in hints}


class TestBulkheads:
    """A vendor that is slow to tell the rest holds up nobody else."""

    def test_two_at_a_time_of_one_connection(self, titan, connection, ada) -> None:
        slow = [say(titan, key=str(n)) for n in range(3)]
        claimed = [leasing.claim(event_id=event.pk) for event in slow]

        other = take_in(say_customer(connection))

        assert [one is not None for one in claimed] == [True, True, False]
        assert other.state == "processed"

    def test_who_is_done_rings_for_the_next(self, titan, hints, monkeypatch) -> None:
        monkeypatch.setattr(processing, "_BUDGET_SECONDS", 0.0)
        first, second = say(titan, key="1"), say(titan, key="2")
        hints.clear()

        take_in(first)

        assert hints == [
            ("integrations.tasks.process_inbound", {"event_id": second.pk})
        ]

    def test_no_transaction_is_open_while_a_vendor_speaks(self, titan, told) -> None:
        seen = []

        def read(call: Caller, event: Inbound) -> list[Remote]:
            seen.append(connections["default"].in_atomic_block)
            return []

        told.means = staticmethod(read)

        take_in(say(titan))

        assert seen == [False]


class TestKeeping:
    """What is done with is forgotten, and what was given up later."""

    @pytest.mark.parametrize(
        ("state", "days", "gone"),
        [
            ("processed", 29, False),
            ("processed", 31, True),
            ("ignored", 31, True),
            ("stale", 31, True),
            ("dead", 89, False),
            ("dead", 91, True),
        ],
    )
    def test_for_so_long(self, titan, state, days, gone) -> None:
        now = timezone.now()
        say(titan)
        ended = now - timedelta(days=days)
        InboundEvent.objects.update(state=state, finished_at=ended)

        assert finished_callbacks(now).exists() is gone

    def test_what_waits_is_never_forgotten(self, titan) -> None:
        say(titan)
        InboundEvent.objects.update(received_at=timezone.now() - timedelta(days=999))

        assert not finished_callbacks(timezone.now()).exists()


def test_taking_in_a_hundred_takes_seconds(connection, ada) -> None:
    events = [
        say_customer(
            connection,
            email=f"ada@{n}.example",
            at=f"2026-11-20T10:00:{n // 2:02}.{n % 2}00Z",
        )
        for n in range(100)
    ]

    begun = time.monotonic()
    while take_in(events[-1]).state == "received":
        assert time.monotonic() - begun < 20

    assert email_of(ada) == "ada@99.example"

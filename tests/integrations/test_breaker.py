"""When a vendor is left alone, and how it is come back to."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection as database
from django.db import transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from integrations.models import ConnectionHealth
from integrations.rules import breaker
from integrations.rules.breaker import CLOSED, HALF_OPEN, OPEN, State
from integrations.rules.pace import pace, recovery_pace, take
from integrations.rules.refusals import Busy, CallFailed, Postponed
from integrations.services.calling import caller_for, guard
from tests.integrations.conftest import at_once
from tests.integrations.vendor import Reply, connect

NOW = datetime(2027, 3, 1, 15, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def after(told: str, *, every: float = 1.0, state: State | None = None) -> State:
    """Return the state after successes (`+`) and failures (`-`), one after another."""
    found = state or State()
    for number, one in enumerate(told):
        now = NOW + number * every * SECOND
        if one == "+":
            found = breaker.after_successes(found, now=now)
        else:
            found = breaker.after_failure(found, now=now)
    return found


def half_open(**given: Any) -> State:
    fields: dict[str, Any] = {
        "open_seconds": 30,
        "reopens_at": NOW,
        "failing_since": NOW - 30 * SECOND,
    }
    return State(breaker=HALF_OPEN, **fields | given)


class TestRule:
    """The rule, by table, on a clock of its own."""

    @pytest.mark.parametrize(
        ("told", "every", "found"),
        [
            ("----", 1, CLOSED),
            ("-----", 1, OPEN),
            ("----+----", 1, CLOSED),
            ("----+-----", 1, OPEN),
            ("-----", 400, OPEN),  # in a row, however slowly
            ("+-+-+-+-+", 1, CLOSED),  # nine calls are too few to tell
            ("+-+-+-+-+-", 1, OPEN),
            ("++-++-++-++-", 1, CLOSED),
            ("+-+-+-+-+-", 40, CLOSED),  # five minutes hold but seven of them
            ("++++++++++----", 1, CLOSED),
        ],
    )
    def test_when_it_opens(self, told, every, found) -> None:
        assert after(told, every=every).breaker == found

    def test_it_is_open_for_half_a_minute_at_first(self) -> None:
        state = after("-----", every=0)

        assert state.reopens_at == NOW + 30 * SECOND
        assert breaker.wait(state, now=NOW + 10 * SECOND) == 20 * SECOND
        assert breaker.wait(state, now=NOW + 30 * SECOND) == timedelta(0)

    @pytest.mark.parametrize(
        ("open_seconds", "then"), [(30, 60), (60, 120), (480, 600), (600, 600)]
    )
    def test_a_probe_that_fails_doubles_it(self, open_seconds, then) -> None:
        state = half_open(open_seconds=open_seconds)

        state = breaker.after_failure(state, now=NOW, is_probe=True)

        assert (state.breaker, state.open_seconds) == (OPEN, then)
        assert state.reopens_at == NOW + then * SECOND

    def test_three_probes_close_it_and_all_begins_anew(self) -> None:
        state, seen = half_open(failures_in_row=5, window=((1, 5, 5),)), []
        for _ in range(3):
            state = breaker.after_successes(state, now=NOW, is_probe=True)
            seen.append(state.breaker)

        assert seen == [HALF_OPEN, HALF_OPEN, CLOSED]
        assert (state.window, state.failures_in_row, state.open_seconds) == ((), 0, 0)
        assert after("----", state=state).breaker == CLOSED

    def test_calls_that_began_before_say_nothing(self) -> None:
        state = half_open()
        late_success = breaker.after_successes(state, now=NOW, calls=3)
        late_failure = breaker.after_failure(state, now=NOW)

        assert late_success.breaker == late_failure.breaker == HALF_OPEN
        assert late_success.successes_in_row == 0
        assert late_failure.reopens_at == NOW

    @pytest.mark.parametrize(
        ("lasted", "held_back"), [(30, 60), (600, 600), (86_400, 3600)]
    )
    def test_the_recovery_lasts_as_long_as_the_outage(self, lasted, held_back) -> None:
        state = half_open(successes_in_row=2, failing_since=NOW - lasted * SECOND)

        state = breaker.after_successes(state, now=NOW, is_probe=True)

        assert state.recovering_until == NOW + held_back * SECOND

    def test_what_was_normal_is_remembered_over_a_relapse(self) -> None:
        state = after("+" * 50 + "-----", every=0.1)
        assert state.normal_rate == 5.0

        relapse = breaker.after_failure(
            half_open(normal_rate=5.0), now=NOW, is_probe=True
        )

        assert relapse.normal_rate == 5.0

    def test_a_window_forgets_what_is_older_than_five_minutes(self) -> None:
        state = after("+" * 100, every=10)

        assert len(state.window) == breaker.BUCKETS


class Outage:
    """Messages wait, and the vendor is away for a minute; all on a clock of its own.

    Nothing is asked of the rules but what `services.calling` asks. A message that is
    held back comes again when it was told to, one that failed after five seconds.
    """

    RATE = 48.0
    LASTS = 60.0

    def __init__(self, *, messages: int, normal: int, seed: int) -> None:
        self.dice = random.Random(seed)  # noqa: S311  # no secret
        before = int(NOW.timestamp()) // 10 - 1
        self.state = State(window=((before, normal * 10, 0),))
        self.waiting = [0.0] * messages
        self.booked = 0.0
        self.failed: list[float] = []
        self.sent: list[float] = []

    def run(self) -> None:
        clock = 0.0
        while self.waiting:
            self.waiting.sort()
            clock = max(clock, self.waiting.pop(0))
            closed_for = breaker.wait(self.state, now=at(clock)).total_seconds()
            if closed_for:
                late = self.dice.uniform(0, max(1, closed_for / 10))
                self.waiting.append(clock + closed_for + late)
            else:
                clock += self._wait_for_turn(clock)
                self._call(clock)

    def _wait_for_turn(self, clock: float) -> float:
        turns = pace(rate=self.RATE)
        if breaker.is_recovering(self.state, now=at(clock)):
            turns = recovery_pace(turns, normal_rate=self.state.normal_rate or 0)
        turn = take(turns, booked_until=self.booked, now=clock, patience=1.0)
        self.booked = turn.booked_until
        return turn.wait

    def _call(self, clock: float) -> None:
        is_probe = self.state.breaker != CLOSED
        if is_probe:
            self.state = replace(self.state, breaker=HALF_OPEN)
        told: dict[str, Any] = {"now": at(clock), "is_probe": is_probe}
        if clock < self.LASTS:
            self.failed.append(clock)
            self.waiting.append(clock + 5)
            self.state = breaker.after_failure(self.state, **told)
        else:
            self.sent.append(clock)
            self.state = breaker.after_successes(self.state, **told)

    def busiest(self, seconds: float) -> float:
        """Return the calls per second of the busiest `seconds` of the recovery."""
        counts = [
            sum(begin <= moment < begin + seconds for moment in self.sent)
            for begin in self.sent
        ]
        return max(counts) / seconds


def at(clock: float) -> datetime:
    return NOW + clock * SECOND


class TestAnOutage:
    """300 messages wait, and the vendor is away for a minute."""

    @pytest.mark.parametrize("normal", [3, 5, 20])
    @pytest.mark.parametrize("seed", range(3))
    def test_few_calls_reach_it_and_it_recovers_gently(self, normal, seed) -> None:
        outage = Outage(messages=300, normal=normal, seed=seed)

        outage.run()

        assert len(outage.failed) <= 40
        assert len(outage.sent) == 300
        assert outage.busiest(10) <= 2 * normal


@pytest.mark.django_db(transaction=True)
class TestState:
    """The breaker in PostgreSQL."""

    @pytest.fixture
    def down(self, vendor) -> Any:
        """Return a connection whose vendor fails, until it is told otherwise."""
        vendor.otherwise = Reply(status=503)
        return connect(vendor.url)

    def fail(self, connection: Any, times: int) -> None:
        for _ in range(times):
            with pytest.raises(Busy):
                caller_for(connection)("GET", "/me")

    def reopen(self, connection: Any) -> None:
        """Let the time pass that the breaker is open for."""
        rows = ConnectionHealth.objects.filter(pk=connection.pk)
        rows.update(reopens_at=timezone.now() - SECOND)

    def test_five_failures_open_it(self, vendor, down) -> None:
        self.fail(down, 5)

        with pytest.raises(Postponed) as held:
            caller_for(down)("GET", "/me")

        health = ConnectionHealth.objects.get(pk=down.pk)
        assert len(vendor.heard) == 5
        assert (health.breaker, health.open_seconds) == (OPEN, 30)
        assert health.last_error == "HTTP 503"
        assert health.failing_since is not None
        assert 29 < seconds(held.value) < 35

    @pytest.mark.parametrize("status", [400, 403, 404, 422])
    def test_a_vendor_that_says_no_is_there(self, vendor, status) -> None:
        vendor.otherwise = Reply(status=status, headers={"Retry-After": "0"})
        connection = connect(vendor.url)

        for _ in range(6):
            with pytest.raises(CallFailed):
                caller_for(connection)("GET", "/me")

        health = ConnectionHealth.objects.get(pk=connection.pk)
        assert len(vendor.heard) == 6
        assert (health.breaker, health.failing_since) == (CLOSED, None)

    def test_one_of_twenty_tries_it_out(self, vendor, down) -> None:
        self.fail(down, 5)
        self.reopen(down)
        vendor.otherwise = Reply(status=503, wait=0.5)

        found = at_once(20, lambda: caller_for(down)("GET", "/me"))

        held = [one for one in found if isinstance(one, Postponed)]
        assert len(vendor.heard) == 6
        assert len(held) == 19
        assert all(seconds(one) <= 3 for one in held)
        assert ConnectionHealth.objects.get(pk=down.pk).open_seconds == 60

    def test_three_successes_close_it(self, vendor, down) -> None:
        self.fail(down, 5)
        self.reopen(down)
        vendor.otherwise = Reply(json={})

        for _ in range(3):
            caller_for(down)("GET", "/me")

        health = ConnectionHealth.objects.get(pk=down.pk)
        assert health.breaker == CLOSED
        assert (health.probe_token, health.failing_since) == (None, None)
        assert breaker.is_recovering(guard.state_of(health), now=timezone.now())

    def test_a_probe_that_never_came_back_is_taken_for_lost(self, vendor, down) -> None:
        self.fail(down, 5)
        self.reopen(down)
        guard.enter(connection_id=down.pk)
        with pytest.raises(Postponed):
            caller_for(down)("GET", "/me")
        rows = ConnectionHealth.objects.filter(pk=down.pk)
        rows.update(probe_until=timezone.now() - SECOND)
        vendor.otherwise = Reply(json={})

        caller_for(down)("GET", "/me")

        assert rows.get().successes_in_row == 1

    def test_a_429_frees_the_probe(self, vendor, down) -> None:
        self.fail(down, 5)
        self.reopen(down)
        vendor.otherwise = Reply(status=429, headers={"Retry-After": "0"})

        self.fail(down, 1)

        health = ConnectionHealth.objects.get(pk=down.pk)
        assert (health.breaker, health.probe_token) == (HALF_OPEN, None)

    def test_successes_write_seldom(self, vendor) -> None:
        call = caller_for(connect(vendor.url))
        call("GET", "/me")

        with CaptureQueriesContext(database) as asked:
            for _ in range(10):
                call("GET", "/me")

        said = [query["sql"].split()[0] for query in asked]
        assert said.count("SELECT") == 10
        assert set(said) <= {"SELECT", "BEGIN", "COMMIT"}

    def test_a_row_that_somebody_holds_keeps_no_call_waiting_for_ever(
        self, vendor, down
    ) -> None:
        self.fail(down, 1)
        rows = ConnectionHealth.objects.filter(pk=down.pk)
        vendor.otherwise = Reply(json={"name": "x"})

        with transaction.atomic():
            rows.select_for_update().get()
            found = at_once(1, lambda: caller_for(down)("GET", "/me").json)

        assert found == [{"name": "x"}]
        assert rows.get().failures_in_row == 1


def seconds(held: CallFailed) -> float:
    assert held.retry_after is not None
    return held.retry_after.total_seconds()

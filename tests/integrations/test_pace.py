"""How fast a vendor is called: below its limit, whoever calls."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import pairwise
from uuid import uuid4

import pytest
from django.core.cache import caches
from redis import Redis

from integrations.rules.pace import Pace, pace, recovery_pace, take
from integrations.rules.refusals import Busy, Postponed
from integrations.services.calling import budget, caller_for
from tests.integrations.conftest import at_once
from tests.integrations.vendor import Reply, connect

EVEN = Pace(rate=10)


class TestRule:
    """The rule, on a clock of its own."""

    def turns(self, pace: Pace, *moments: float, patience: float = 0) -> list[float]:
        """Return how long each that comes at these moments waits; -1: turned away."""
        booked, waits = 0.0, []
        for now in moments:
            turn = take(pace, booked_until=booked, now=now, patience=patience)
            booked = turn.booked_until
            waits.append(round(turn.wait, 3) if turn.granted else -1)
        return waits

    def test_a_burst_and_then_one_by_one(self) -> None:
        four = Pace(rate=10, burst=4)

        assert self.turns(four, *[5.0] * 5) == [0, 0, 0, 0, -1]
        assert self.turns(four, *[5.0] * 6, patience=1) == [0, 0, 0, 0, 0.1, 0.2]

    def test_who_is_turned_away_takes_nothing(self) -> None:
        assert self.turns(EVEN, 5.0, 5.0, 5.0, 5.1) == [0, -1, -1, 0]

    def test_rest_is_not_saved_up(self) -> None:
        assert self.turns(EVEN, 5.0, 99.0, 99.0) == [0, 0, -1]

    @pytest.mark.parametrize("limit", [0.5, 1, 3, 10, 60, 100])
    def test_no_second_sees_more_than_the_limit(self, limit) -> None:
        usual, booked, clock, made = pace(rate=0.8 * limit), 0.0, 0.0, []
        for _ in range(400):
            turn = take(usual, booked_until=booked, now=clock, patience=99)
            booked, clock = turn.booked_until, clock + turn.wait
            made.append(clock)

        busiest = max(sum(at <= later < at + 1 for later in made) for at in made)
        assert busiest <= max(2, limit)

    @pytest.mark.parametrize(
        ("normal", "rate"), [(0, 4.8), (1, 4.8), (10, 19.0), (500, 48.0)]
    )
    def test_after_an_outage(self, normal, rate) -> None:
        found = recovery_pace(pace(rate=48), normal_rate=normal)

        assert found.rate == pytest.approx(rate)
        assert found.burst == 1

    def test_a_slow_vendor_recovers_no_faster_than_usual(self) -> None:
        assert recovery_pace(pace(rate=0.4), normal_rate=9).rate == 0.4


class TestRedis:
    """The budget that all processes share."""

    def test_it_gives_out_what_the_rule_does(self) -> None:
        connection, four = uuid4(), Pace(rate=10, burst=4)

        turns = [
            budget.next_turn(connection_id=connection, pace=four, patience=0.25)
            for _ in range(8)
        ]

        assert [turn.granted for turn in turns] == [True] * 6 + [False] * 2
        assert [turn.wait for turn in turns[3:]] == pytest.approx(
            [0, 0.1, 0.2, 0.3, 0.3], abs=0.05
        )

    def test_twenty_threads_share_it(self) -> None:
        connection = uuid4()

        def calls(_: int) -> list[float]:
            made = []
            for _ in range(5):
                turn = budget.next_turn(
                    connection_id=connection, pace=Pace(rate=50), patience=9
                )
                time.sleep(turn.wait)
                made.append(time.monotonic())
            return made

        begun = time.monotonic()
        with ThreadPoolExecutor(20) as pool:
            made = sorted(at for some in pool.map(calls, range(20)) for at in some)

        assert len(made) == 100
        assert made[-1] - begun >= 99 / 50 - 0.05

    def test_a_pause_holds_for_all(self) -> None:
        connection = uuid4()
        four = Pace(rate=10, burst=4)

        budget.pause(connection_id=connection, pace=four, seconds=30)
        turn = budget.next_turn(connection_id=connection, pace=four, patience=1)

        assert not turn.granted
        assert turn.wait == pytest.approx(30, abs=0.2)

    def test_a_shorter_pause_shortens_nothing(self) -> None:
        connection = uuid4()
        for seconds in (30, 1):
            budget.pause(connection_id=connection, pace=EVEN, seconds=seconds)

        turn = budget.next_turn(connection_id=connection, pace=EVEN, patience=0)

        assert turn.wait == pytest.approx(30, abs=0.2)

    def test_what_it_keeps_goes_by_itself(self) -> None:
        connection = uuid4()
        budget.next_turn(connection_id=connection, pace=EVEN, patience=0)

        client = caches["default"]._cache.get_client()  # type: ignore[attr-defined]  # Django's own

        assert 0 < client.pttl(budget._key(connection)) <= 2000


class TestWithoutRedis:
    """What each process does by itself."""

    @pytest.fixture(autouse=True)
    def _dead(self, monkeypatch) -> None:
        dead = Redis.from_url("redis://127.0.0.1:9/0")
        monkeypatch.setattr(budget, "_client", lambda: dead)
        monkeypatch.setattr(budget, "_rests_until", 0.0)

    def test_one_call_a_second(self) -> None:
        connection = uuid4()

        turns = [
            budget.next_turn(connection_id=connection, pace=Pace(rate=50), patience=1)
            for _ in range(3)
        ]

        assert [turn.granted for turn in turns] == [True, True, False]
        assert turns[1].wait == pytest.approx(1, abs=0.1)

    def test_a_dead_redis_costs_its_time_once(self) -> None:
        connection = uuid4()
        budget.next_turn(connection_id=connection, pace=EVEN, patience=0)
        begun = time.monotonic()

        for _ in range(100):
            budget.next_turn(connection_id=connection, pace=EVEN, patience=0)

        assert time.monotonic() - begun < 0.1

    def test_a_pause_holds_in_this_process(self) -> None:
        connection = uuid4()

        budget.pause(connection_id=connection, pace=EVEN, seconds=30)
        turn = budget.next_turn(connection_id=connection, pace=EVEN, patience=1)

        assert turn.wait == pytest.approx(30, abs=0.2)


@pytest.mark.django_db(transaction=True)
class TestCalls:
    """Calls at a pace."""

    def test_they_keep_to_the_vendors_limit(self, vendor) -> None:
        connection = connect(vendor.url, calls_per_second=16)

        at_once(10, lambda: caller_for(connection)("GET", "/me"))

        made = sorted(heard.at for heard in vendor.heard)
        gaps = [later - earlier for earlier, later in pairwise(made[4:])]
        assert len(made) == 10
        assert sum(gaps) / len(gaps) == pytest.approx(1 / 16, abs=0.02)

    def test_who_would_wait_too_long_comes_again(self, vendor) -> None:
        connection = connect(vendor.url, calls_per_second=0.5)

        found = at_once(5, lambda: caller_for(connection)("GET", "/me"))

        held = [one for one in found if isinstance(one, Postponed)]
        assert len(vendor.heard) == 1
        assert len(held) == 4
        assert all((one.retry_after or timedelta(0)).seconds >= 1 for one in held)

    def test_who_has_begun_comes_to_an_end(self, vendor) -> None:
        connection = connect(vendor.url, calls_per_second=4)

        def deliver() -> str:
            call = caller_for(connection)
            for path in ("/search", "/create", "/done"):
                call("GET", path)
            return "done"

        found = at_once(8, deliver)

        began = vendor.paths().count("/search")
        assert 0 < began < 8
        assert found.count("done") == vendor.paths().count("/done") == began

    def test_calls_that_were_reserved_follow_at_once(self, vendor) -> None:
        connection = connect(vendor.url, calls_per_second=4)
        call = caller_for(connection)
        call("GET", "/before")  # of the burst

        call.reserve(2)
        for path in ("/look", "/crew", "/tell"):
            call("GET", path)

        before, look, crew, tell = (heard.at for heard in vendor.heard)
        assert tell - look < 0.2
        assert look - before > 0.5  # it has waited for the three of them
        assert crew < tell

    def test_a_slow_vendor_is_called_one_by_one(self, vendor) -> None:
        call = caller_for(connect(vendor.url, calls_per_second=1))

        call.reserve(2)
        for path in ("/look", "/crew"):
            call("GET", path)

        assert vendor.paths() == ["/look", "/crew"]

    @pytest.mark.parametrize(("header", "wait"), [("30", 30), ("never", 2), (None, 2)])
    def test_a_429_stops_all_for_as_long_as_it_says(self, vendor, header, wait) -> None:
        headers = {"Retry-After": header} if header else {}
        vendor.replies = [Reply(status=429, headers=headers)]
        connection = connect(vendor.url)

        with pytest.raises(Busy):
            caller_for(connection)("GET", "/me")
        found = at_once(5, lambda: caller_for(connection)("GET", "/me"))

        assert len(vendor.heard) == 1
        for one in found:
            assert isinstance(one, Postponed)
            assert one.retry_after is not None
            assert wait - 0.5 < one.retry_after.total_seconds() <= wait + 1.1

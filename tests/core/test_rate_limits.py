"""Limits are exact, name themselves, and never turn into errors."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import pytest
from django.core.cache import caches
from rest_framework.test import APIClient, APIRequestFactory

from accounts.models import User
from core.actors import Actor, Role
from core.api import throttling
from core.api.counters import CounterCache
from core.api.throttling import client_address, hit, parse_rate
from tests.core.wire_app import signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("wire_urls")]

URL = "/api/v1/broken/who"


@pytest.fixture
def limits(settings) -> dict[str, str]:
    """Return the limits, for a test to change."""
    settings.RATE_LIMITS = dict(settings.RATE_LIMITS)
    return cast("dict[str, str]", settings.RATE_LIMITS)


def redis_of_limits() -> Any:
    """Return the plain client below the cache."""
    cache: Any = caches["limits"]
    return cache._cache.get_client()


@pytest.fixture
def no_redis(monkeypatch):
    """Point the counting cache at a port where nobody listens."""
    away = CounterCache("redis://127.0.0.1:1/0", {})
    monkeypatch.setattr("django_ratelimit.core.caches", {"limits": away})
    monkeypatch.setattr(throttling, "_redis_rests_until", 0.0)
    monkeypatch.setattr(throttling, "_local", throttling._LocalCounter())


def test_an_answer_says_where_the_caller_stands(api, limits) -> None:
    limits["anonymous"] = "3/m"

    answers = [api.get(URL) for _ in range(4)]

    assert [a.status_code for a in answers] == [200, 200, 200, 429]
    assert {a["RateLimit-Policy"] for a in answers} == {'"anonymous";q=3;w=60'}
    remaining = [a["RateLimit"].split(";")[1] for a in answers]
    assert remaining == ["r=2", "r=1", "r=0", "r=0"]
    assert 1 <= int(answers[3]["Retry-After"]) <= 60
    assert answers[3].json()["code"] == "rate_limited"


def test_each_address_and_each_user_counts_alone(api, limits) -> None:
    limits |= {"anonymous": "1/m", "user": "1/m"}
    users = [User(), User()]
    clients = [api, APIClient(REMOTE_ADDR="198.51.100.7")]
    for user in users:
        actor = Actor(role=Role.VIEWER, label="x", user_id=user.pk)
        clients.append(signed_in(actor))

    rounds = [[client.get(URL).status_code for client in clients] for _ in range(2)]

    assert rounds == [[200] * 4, [429] * 4]


def test_a_form_for_visitors_has_a_limit_of_its_own(api, limits) -> None:
    limits["public_form"] = "1/m"

    statuses = [api.get("/api/v1/public").status_code for _ in range(2)]

    assert statuses == [200, 429]
    assert api.get(URL).status_code == 200


@pytest.mark.race
def test_twenty_at_once_get_exactly_the_limit(limits) -> None:
    limits["user"] = "50/h"

    def twenty(_: int) -> int:
        return sum(hit(scope="user", value="anna").allowed for _ in range(20))

    with ThreadPoolExecutor(20) as pool:
        allowed = sum(pool.map(twenty, range(20)))

    assert allowed == 50


def test_a_count_costs_one_command(limits) -> None:
    def commands() -> int:
        stats = redis_of_limits().info("commandstats")
        return sum(stats[name]["calls"] for name in stats if name != "cmdstat_info")

    hit(scope="user", value="anna")
    before = commands()

    hit(scope="user", value="anna")

    assert commands() == before + 1


def test_a_count_ends_with_its_window(limits) -> None:
    hit(scope="user", value="anna")

    redis = redis_of_limits()
    ages = [redis.ttl(key) for key in redis.keys("limits:*")]

    assert len(ages) == 1
    assert 0 < ages[0] <= 65


@pytest.mark.usefixtures("no_redis")
def test_without_redis_each_process_counts_for_itself(api, limits) -> None:
    limits["anonymous"] = "2/h"

    answers = [api.get(URL) for _ in range(3)]

    assert [a.status_code for a in answers] == [200, 200, 429]
    assert {a["X-RateLimit-Mode"] for a in answers} == {"degraded"}


@pytest.mark.usefixtures("no_redis")
def test_a_dead_redis_is_left_alone_for_a_while(monkeypatch) -> None:
    asked: list[Any] = []
    real = throttling._shared_hit

    def count(**given: Any) -> Any:
        asked.append(given)
        return real(**given)

    monkeypatch.setattr(throttling, "_shared_hit", count)

    for _ in range(5):
        assert hit(scope="user", value="anna").degraded

    assert len(asked) == 1


def test_the_local_counter_does_not_grow_for_ever(monkeypatch) -> None:
    monkeypatch.setattr(throttling, "_REMEMBERED_CALLERS", 10)
    counter = throttling._LocalCounter()

    for n in range(100):
        counter.hit(scope="user", value=str(n))

    assert len(counter._counts) <= 10


@pytest.mark.parametrize(
    ("rate", "parsed"),
    [("5/s", (5, 1)), ("600/m", (600, 60)), ("20/h", (20, 3600)), ("3/5m", (3, 300))],
)
def test_a_rate_is_calls_per_time(rate, parsed) -> None:
    assert parse_rate(rate) == parsed


@pytest.mark.parametrize(
    ("hops", "peer", "forwarded", "address"),
    [
        (0, "198.51.100.1", "", "198.51.100.1"),
        (0, "198.51.100.1", "203.0.113.5", "198.51.100.1"),
        (1, "10.0.0.2", "203.0.113.5", "203.0.113.5"),
        (1, "10.0.0.2", "1.1.1.1, 203.0.113.5", "203.0.113.5"),
        (2, "10.0.0.2", "1.1.1.1, 203.0.113.5, 10.0.0.9", "203.0.113.5"),
        (2, "10.0.0.2", "203.0.113.5", "10.0.0.2"),
        (1, "10.0.0.2", "", "10.0.0.2"),
        (1, "10.0.0.2", "nonsense", "10.0.0.2"),
        (0, "2001:db8:1:2:3:4:5:6", "", "2001:db8:1:2::/64"),
        (0, "::ffff:198.51.100.1", "", "198.51.100.1"),
    ],
)
def test_an_address_is_what_the_trusted_proxy_saw(
    settings, hops, peer, forwarded, address
) -> None:
    settings.TRUSTED_PROXY_COUNT = hops
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    request = APIRequestFactory().get("/", headers=headers, REMOTE_ADDR=peer)

    assert client_address(request) == address


def test_a_forged_header_gains_nothing(api, limits) -> None:
    limits["anonymous"] = "5/m"

    statuses = [
        api.get(URL, headers={"X-Forwarded-For": f"203.0.113.{n}"}).status_code
        for n in range(10)
    ]

    assert statuses.count(200) == 5

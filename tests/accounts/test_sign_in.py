"""Signing in: who gets in, who does not, and that the answer tells nobody why."""

import pytest
from django.core.cache import caches
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from accounts.models import AttemptCounter, User
from core.actors import Role
from core.api import throttling
from core.api.counters import CounterCache
from tests.accounts.conftest import ME, TOKEN, bearer, later
from tests.factories import PASSWORD, make_location, make_technician, make_user

# The clock stands still, so that no window of a limit ends within a test.
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


def sign_in(email: str, password: str = PASSWORD, **extra):
    client = APIClient(raise_request_exception=False)
    return client.post(
        TOKEN, {"email": email, "password": password}, format="json", **extra
    )


def without_id(answer) -> dict[str, object]:
    return {k: v for k, v in answer.json().items() if k != "request_id"}


@pytest.fixture
def no_redis(monkeypatch):
    """Point the counting cache at a port where nobody listens."""
    away = CounterCache("redis://127.0.0.1:1/0", {})
    monkeypatch.setattr("django_ratelimit.core.caches", {"limits": away})
    monkeypatch.setattr(throttling, "_redis_rests_until", 0.0)
    # Each request may come to another process, which has counted nothing yet.
    monkeypatch.setattr(throttling._local, "hit", throttling._LocalCounter().hit)


def test_email_and_password_give_a_pair_of_tokens() -> None:
    user = make_user(Role.VIEWER)

    answer = sign_in(f"  {user.email.upper()} ")

    pair = answer.json()
    assert answer.status_code == 200
    assert pair["token_type"] == "Bearer"
    assert pair["expires_in"] == 600
    assert bearer(pair["access"]).get(ME).json()["id"] == str(user.pk)
    user.refresh_from_db()
    assert user.last_login is not None


def test_me_tells_who_one_is_there() -> None:
    branch = make_location(code="phx")
    user = make_user(Role.TECHNICIAN, locations=[branch])
    technician = make_technician(user=user, location=branch)

    me = bearer(sign_in(user.email).json()["access"]).get(ME).json()

    assert me["role"] == "technician"
    assert me["technician_id"] == str(technician.pk)
    assert [location["code"] for location in me["locations"]] == ["phx"]


@pytest.mark.usefixtures("no_limits")
def test_every_refusal_is_the_same_answer_for_the_same_work(
    hashes, clock, django_assert_num_queries
) -> None:
    user = make_user()
    inactive = make_user(is_active=False)
    locked = make_user()
    for _ in range(10):
        sign_in(locked.email, "wrong")
    tries = {
        "wrong password": (user.email, "wrong"),
        "unknown e-mail": ("nobody@example.com", PASSWORD),
        "deactivated": (inactive.email, PASSWORD),
        "locked, right password": (locked.email, PASSWORD),
        "locked, wrong password": (locked.email, "wrong"),
    }
    answers = {}
    for name, (email, password) in tries.items():
        hashes.clear()
        with django_assert_num_queries(2):
            answers[name] = sign_in(email, password)
        assert len(hashes) == 1, name

    first = answers["wrong password"]
    assert first.status_code == 401
    assert first.json()["code"] == "invalid_credentials"
    assert first["WWW-Authenticate"].startswith("Bearer")
    for name, answer in answers.items():
        assert answer.status_code == 401, name
        assert without_id(answer) == without_id(first), name
        assert answer.headers.keys() == first.headers.keys(), name


@pytest.mark.usefixtures("no_limits")
def test_ten_wrong_passwords_lock_the_account_for_a_quarter_of_an_hour(clock) -> None:
    user = make_user()

    for _ in range(9):
        sign_in(user.email, "wrong")
    assert sign_in(user.email).status_code == 200  # and the count starts anew
    for _ in range(10):
        later(clock, minutes=1)
        sign_in(user.email, "wrong")
    statuses = []
    for minutes in (0, 14, 1):
        later(clock, minutes=minutes)
        statuses.append(sign_in(user.email).status_code)

    assert statuses == [401, 401, 200]


@pytest.mark.usefixtures("no_limits")
def test_a_lock_does_not_hold_others() -> None:
    locked, other = make_user(), make_user()
    for _ in range(11):
        sign_in(locked.email, "wrong")

    assert sign_in(other.email).status_code == 200


def test_the_lock_survives_an_emptied_redis(limits) -> None:
    limits |= dict.fromkeys(limits, "100000/m")
    user = make_user()
    for _ in range(10):
        sign_in(user.email, "wrong")

    caches["limits"].clear()

    assert sign_in(user.email).status_code == 401


def test_an_account_may_be_tried_five_times_a_minute_from_anywhere() -> None:
    user = make_user()

    answers = [
        sign_in(user.email, "wrong", REMOTE_ADDR=f"198.51.100.{n}") for n in range(6)
    ]

    assert [answer.status_code for answer in answers] == [401] * 5 + [429]
    assert 1 <= int(answers[5]["Retry-After"]) <= 60
    assert answers[5].json()["code"] == "rate_limited"
    assert answers[5]["RateLimit-Policy"] == '"login_account";q=5;w=60'


def test_an_unknown_account_meets_the_same_limit() -> None:
    answers = [sign_in("nobody@example.com", "wrong") for _ in range(6)]

    assert [answer.status_code for answer in answers] == [401] * 5 + [429]


def test_an_address_may_try_twenty_accounts_a_minute(hashes) -> None:
    answers = [sign_in(f"n{n}@example.com", "wrong") for n in range(21)]

    assert [answer.status_code for answer in answers] == [401] * 20 + [429]
    assert len(hashes) == 20  # who is over the limit costs no hash


@pytest.mark.usefixtures("no_redis")
def test_without_redis_postgresql_counts(clock, monkeypatch) -> None:
    user = make_user()
    statuses = []
    for _ in range(7):
        # A fresh process each time: what it counts by itself limits nobody.
        monkeypatch.setattr(throttling, "_local", throttling._LocalCounter())
        statuses.append(sign_in(user.email, "wrong").status_code)
    later(clock, seconds=61)

    assert statuses == [401] * 5 + [429] * 2
    assert sign_in(user.email).status_code == 200
    scopes = AttemptCounter.objects.values_list("scope", flat=True)
    assert set(scopes) == {"login_account", "login_address"}


def test_counters_do_not_tell_whose_they_are() -> None:
    sign_in("nobody@example.com", "wrong")

    counter = AttemptCounter.objects.get()

    assert "nobody" not in counter.key_hash
    assert len(counter.key_hash) == 64


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"email": "a@example.com"},
        {"email": "not an address", "password": "x"},
        {"email": "a@example.com", "password": "x" * 257},
        {"email": "a@example.com", "password": ["x"]},
        {"email": "a@example.com", "password": "x", "admin": True},
    ],
)
def test_a_malformed_form_is_no_attempt(api, body) -> None:
    answer = api.post(TOKEN, body, format="json")

    assert answer.status_code == 400
    assert not AttemptCounter.objects.exists()


class TestAdminSite:
    """The admin's login goes through the same door."""

    URL = "/admin/login/"

    def post(self, user: User, password: str = PASSWORD):
        form = {"username": user.email, "password": password}
        return Client().post(reverse("admin:login"), form)

    def test_lets_the_office_in(self) -> None:
        statuses = {
            role: self.post(make_user(role)).status_code
            for role in Role
            if role is not Role.ANONYMOUS
        }

        assert statuses == {
            Role.ADMIN: 302,
            Role.DISPATCHER: 302,
            Role.VIEWER: 302,
            Role.TECHNICIAN: 200,
            Role.INTEGRATION: 200,
        }

    def test_shares_the_limit_with_the_api(self) -> None:
        user = make_user(Role.ADMIN)
        for _ in range(3):
            sign_in(user.email, "wrong")
        for _ in range(2):
            self.post(user, "wrong")

        page = self.post(user)

        assert page.status_code == 200
        assert b"Too many attempts" in page.content
        assert sign_in(user.email).status_code == 429

    @pytest.mark.usefixtures("no_limits")
    def test_shares_the_lock_with_the_api(self) -> None:
        user = make_user(Role.ADMIN)
        for _ in range(10):
            sign_in(user.email, "wrong")

        assert self.post(user).status_code == 200

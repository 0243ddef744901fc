"""Twenty hands on one token, two admins at each other: on a real database."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from accounts import services
from accounts.models import RefreshFamily, RefreshToken, User
from core.actors import SYSTEM, Role
from core.db import retry_contention
from core.errors import DomainError
from tests.accounts.conftest import ME, TOKEN, bearer, refresh, tokens_of
from tests.factories import make_user

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]


def at_once(work: Callable[[int], Any], *, count: int) -> list[Any]:
    """Run `work(0..count-1)` in threads that start together; return what came out."""
    barrier = Barrier(count)

    def run(number: int) -> Any:
        barrier.wait()
        try:
            return work(number)
        except DomainError as refused:
            return refused
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


@pytest.mark.parametrize("attempt", range(3))
def test_of_twenty_refreshes_of_one_token_one_succeeds(attempt) -> None:
    pair = tokens_of(make_user(), now=timezone.now())

    answers = at_once(lambda _: refresh(pair["refresh"]), count=20)

    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 19}
    winner = next(answer for answer in answers if answer.status_code == 200).json()
    assert RefreshToken.objects.filter(consumed_at=None).count() == 1
    assert RefreshFamily.objects.get().revoked_at is None
    assert bearer(winner["access"]).get(ME).status_code == 200
    assert refresh(winner["refresh"]).status_code == 200


def test_no_session_outlives_a_deactivation(limits) -> None:
    user = make_user(Role.VIEWER)
    now = timezone.now()
    pairs = [tokens_of(user, now=now) for _ in range(8)]

    def step(number: int) -> Any:
        if number == 8:
            return services.deactivate(user_id=user.pk, by=SYSTEM, now=now)
        return refresh(pairs[number]["refresh"])

    answers = at_once(step, count=9)[:8]

    left = [pair["access"] for pair in pairs]
    left += [a.json()["access"] for a in answers if a.status_code == 200]
    assert {a.status_code for a in answers} <= {200, 401}
    assert {bearer(token).get(ME).status_code for token in left} == {401}


def test_two_admins_cannot_deactivate_each_other() -> None:
    admins = [make_user(Role.ADMIN), make_user(Role.ADMIN)]

    results = at_once(
        lambda n: retry_contention(
            lambda: services.deactivate(
                user_id=admins[1 - n].pk, by=SYSTEM, now=timezone.now()
            )
        ),
        count=2,
    )

    kinds = sorted(type(result).__name__ for result in results)
    assert kinds == ["LastAdmin", "User"]
    assert User.objects.filter(role=Role.ADMIN, is_active=True).count() == 1


@pytest.mark.usefixtures("no_limits")
def test_guesses_at_once_do_not_slip_through_the_lock(api, hashes) -> None:
    user = make_user()

    def guess(number: int) -> int:
        body = {"email": user.email, "password": f"wrong {number}"}
        return bearer("").post(TOKEN, body, format="json").status_code

    at_once(guess, count=16)

    assert hashes.count("verify") == 10  # the others met a lock, and a dummy

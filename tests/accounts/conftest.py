"""Tokens, clients and limits for the tests of access."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.hashers import Argon2PasswordHasher
from rest_framework.test import APIClient
from time_machine import Traveller

from accounts.api.tokens import token_pair
from accounts.models import User
from accounts.services import begin_session
from tests.factories import NOW

TOKEN = "/api/v1/auth/token"
REFRESH = "/api/v1/auth/token/refresh"
LOGOUT = "/api/v1/auth/logout"
PASSWORD_URL = "/api/v1/auth/password"
ME = "/api/v1/auth/me"


def tokens_of(user: User, *, now=NOW) -> dict[str, Any]:
    """Sign somebody in without their password."""
    return token_pair(begin_session(user=user, now=now), now=now)


def bearer(token: str) -> APIClient:
    client = APIClient(raise_request_exception=False)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client


def refresh(token: str) -> Any:
    client = APIClient(raise_request_exception=False)
    return client.post(REFRESH, {"refresh": token}, format="json")


@pytest.fixture
def clock() -> Iterator[Traveller]:
    """Stop the clock at NOW; a test moves it."""
    with time_machine.travel(NOW, tick=False) as stopped:
        yield stopped


@pytest.fixture
def limits(settings):
    """Return the limits, for a test to change."""
    settings.RATE_LIMITS = dict(settings.RATE_LIMITS)
    return settings.RATE_LIMITS


@pytest.fixture
def no_limits(limits) -> None:
    """Let anybody try as often as they like."""
    limits |= dict.fromkeys(limits, "100000/m")


@pytest.fixture
def hashes(monkeypatch) -> list[str]:
    """Record each time a password is hashed, which is what takes the time."""
    seen: list[str] = []

    def counted(name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(self, *args, **kwargs):
            seen.append(name)
            return method(self, *args, **kwargs)

        return call

    for name in ("encode", "verify"):
        method = getattr(Argon2PasswordHasher, name)
        monkeypatch.setattr(Argon2PasswordHasher, name, counted(name, method))
    return seen


def later(clock: Traveller, **by: int) -> None:
    clock.shift(timedelta(**by))

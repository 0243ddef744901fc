"""What every test stands on: no network, an empty Redis, hints that go nowhere."""

import ipaddress
import socket
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.core.cache import caches
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.api.tokens import token_pair
from accounts.models import User
from accounts.services import begin_session
from config.celery import app as celery_app


def _within_the_house(connect: Callable[..., Any]) -> Callable[..., Any]:
    """Let a socket connect within this machine, and nowhere else.

    libpq connects by itself and does not come by here; the test database is ours.
    """

    def checked(self: socket.socket, address: Any) -> Any:
        if isinstance(address, tuple) and not _is_loopback(str(address[0])):
            raise RuntimeError(f"A test wanted to reach {address[0]}.")
        return connect(self, address)

    return checked


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def pytest_configure(config: pytest.Config) -> None:
    """Close the door, and give each parallel worker a Redis database of its own."""
    for name in ("connect", "connect_ex"):
        guarded = _within_the_house(getattr(socket.socket, name))
        setattr(socket.socket, name, guarded)
    worker: str = getattr(config, "workerinput", {}).get("workerid", "gw0")
    server = settings.REDIS_URL.rstrip("/").removesuffix("/0")
    for cache in settings.CACHES.values():
        cache["LOCATION"] = f"{server}/{1 + int(worker.removeprefix('gw'))}"

    # Still argon2id, but cheap: most tests need a user, few their password.
    Argon2PasswordHasher.time_cost = 1
    Argon2PasswordHasher.memory_cost = 64
    Argon2PasswordHasher.parallelism = 1


@pytest.fixture(autouse=True)
def _empty_redis() -> None:
    """Begin with nobody counted and nothing cached (FLUSHDB of the worker's own)."""
    caches["limits"].clear()


@pytest.fixture(autouse=True)
def hints(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """Collect what the broker would have been asked, as (task, arguments).

    A test that wants the real broker overrides this fixture.
    """
    rung: list[tuple[str, dict[str, Any]]] = []

    def send_task(name: str, *, kwargs: dict[str, Any], **options: Any) -> None:
        rung.append((name, kwargs))

    monkeypatch.setattr(celery_app, "send_task", send_task)
    monkeypatch.setattr("core.hints._rings_already", lambda *_: False)
    return rung


@pytest.fixture
def api() -> APIClient:
    """Return a visitor's client. Errors come back as answers, as they would live."""
    return APIClient(raise_request_exception=False)


@pytest.fixture
def api_as() -> Callable[[User], APIClient]:
    """Return a client that is signed in, by a token as the login gives it out."""

    def client(user: User) -> APIClient:
        now = timezone.now()
        pair = token_pair(begin_session(user=user, now=now), now=now)
        signed_in = APIClient(raise_request_exception=False)
        signed_in.credentials(HTTP_AUTHORIZATION=f"Bearer {pair['access']}")
        return signed_in

    return client

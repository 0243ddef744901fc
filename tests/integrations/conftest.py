"""A subscriber with an endpoint that leads to it, and a vendor on this machine."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection as database
from django.utils import timezone

from core.actors import SYSTEM
from integrations.connectors import registry
from integrations.models import WebhookEndpoint
from integrations.rules.refusals import CallFailed
from integrations.services import create_endpoint, outbound
from integrations.services.calling import budget, guard, keeping
from tests.integrations import vendor as vendors
from tests.integrations.receiver import Receiver
from tests.integrations.vendor import VendorServer


@pytest.fixture(autouse=True)
def _nothing_kept() -> Iterator[None]:
    """Let no test call over the connection of another one."""
    yield
    outbound.hang_up()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        yield server
        server.shutdown()


def subscribe(url: str, **given: Any) -> WebhookEndpoint:
    """Subscribe a URL to all events, unless told otherwise."""
    return create_endpoint(url=url, actor=SYSTEM, now=timezone.now(), **given)


@pytest.fixture
def endpoint(db, receiver) -> WebhookEndpoint:
    return subscribe(receiver.url)


@pytest.fixture
def vendor(monkeypatch) -> Iterator[VendorServer]:
    """Start a vendor, and forget what earlier tests left in the process."""
    speak(monkeypatch, "FakeConnector")
    for kept in (guard._tallies, budget._local, keeping._kept):
        kept.clear()
    with VendorServer() as server:
        yield server
        server.shutdown()


def speak(monkeypatch: pytest.MonkeyPatch, connector: str) -> None:
    """Let one of `tests.integrations.vendor` speak to the vendor."""
    path = f"{vendors.__name__}.{connector}"
    monkeypatch.setitem(registry.CONNECTORS, "servicetitan", path)


def at_once(count: int, work: Callable[[], Any]) -> list[Any]:
    """Run `work` in so many threads; a call that failed is its own result."""

    def one(_: int) -> Any:
        try:
            return work()
        except CallFailed as refusal:
            return refusal
        finally:
            database.close()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))

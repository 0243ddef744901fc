"""A subscriber, and an endpoint that leads to it."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone

from core.actors import SYSTEM
from integrations.models import WebhookEndpoint
from integrations.services import create_endpoint
from tests.integrations.receiver import Receiver


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

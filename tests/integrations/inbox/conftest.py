"""Connections that vendors call back."""

import pytest

from integrations.connectors import registry
from integrations.models import Connection, Vendor
from tests.integrations.inbox.callers import (
    ToldConnector,
    make_connection,
    nothing_for_us,
)


@pytest.fixture
def connection(db) -> Connection:
    return make_connection(Vendor.HOUSECALLPRO)


@pytest.fixture
def told(monkeypatch) -> type[ToldConnector]:
    """Let ServiceTitan's callbacks mean what the test says."""
    path = "tests.integrations.inbox.callers.ToldConnector"
    monkeypatch.setitem(registry.CONNECTORS, "servicetitan", path)
    monkeypatch.setattr(ToldConnector, "heard", [])
    monkeypatch.setattr(
        ToldConnector, "means", staticmethod(nothing_for_us), raising=False
    )
    return ToldConnector

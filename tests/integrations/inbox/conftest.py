"""A connection that vendors call back."""

import pytest

from integrations.models import Connection, Vendor
from tests.integrations.inbox.callers import make_connection


@pytest.fixture
def connection(db) -> Connection:
    return make_connection(Vendor.HOUSECALLPRO)

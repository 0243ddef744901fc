"""Small worlds of the tests' own, to show the machinery without any app's rules."""

from collections.abc import Iterator

import pytest

from tests.outside import Outside
from tests.outside import outside as the_outside


@pytest.fixture
def wire_urls(settings) -> None:
    """Serve tests.core.wire_app instead of the real routes."""
    settings.ROOT_URLCONF = "tests.core.wire_app"


@pytest.fixture
def outside(settings) -> Iterator[Outside]:
    """Send messages of the kind `test` to a destination that does as it is told."""
    settings.OUTBOX_DELIVERERS = {"test": "tests.outside.outside"}
    yield the_outside
    the_outside.__init__()  # type: ignore[misc]  # forget it all

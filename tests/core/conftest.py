"""A small API of the tests' own, to show the wire without any app's rules."""

import pytest


@pytest.fixture
def wire_urls(settings) -> None:
    """Serve tests.core.wire_app instead of the real routes."""
    settings.ROOT_URLCONF = "tests.core.wire_app"

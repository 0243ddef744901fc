"""The demo company, seeded once for each module that looks at it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from io import StringIO

import pytest
from django.core.management.base import OutputWrapper
from django.db import transaction
from django.test import override_settings

from config.demo.data.growth import LARGE, Volume
from config.demo.seeding import Scale, seed

# A Wednesday, 11:40 in Phoenix: the first jobs are done, others are under way.
NOW = datetime(2027, 3, 3, 18, 40, tzinfo=UTC)
SANDBOX_SECRET = "whsec_c2VjcmV0LW9mLXRoZS1zYW5kYm94LXJlY2VpdmVy"
TINY = Volume(
    customers=800,
    leads=700,
    visits=2_000,
    days_back=12,
    days_ahead=8,
    technicians_per_branch=11,
    days_between_absences=6,
)


def run_seed(
    *,
    scale: Scale = "small",
    dice: int = 1,
    now: datetime = NOW,
    volume: Volume = LARGE,
) -> str:
    """Seed, and return what is said at the end."""
    return seed(
        scale=scale, seed=dice, now=now, out=OutputWrapper(StringIO()), volume=volume
    )


@pytest.fixture(scope="module")
def demo(django_db_setup: None, django_db_blocker) -> Iterator[str]:
    """Seed the small scale for all tests of the module, and take it back."""
    yield from _seeded(django_db_blocker, scale="small")


@pytest.fixture(scope="module")
def grown(django_db_setup: None, django_db_blocker) -> Iterator[str]:
    """Seed a tiny volume of the large scale for all tests of the module."""
    yield from _seeded(django_db_blocker, scale="large")


def _seeded(blocker, *, scale: Scale) -> Iterator[str]:
    sandbox = override_settings(SANDBOX_SECRET=SANDBOX_SECRET)
    with blocker.unblock(), transaction.atomic(), sandbox:
        yield run_seed(scale=scale, volume=TINY)
        transaction.set_rollback(True)

"""Seed the demo company: once, whole or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Literal

from django.core.management.base import OutputWrapper
from django.db import connection, transaction

from appointments.models import Appointment
from config.demo.data.growth import LARGE, Volume
from config.demo.dice import Dice
from config.demo.small import is_seeded, seed_small
from config.demo.volume.large import grow, is_grown
from config.progress import Progress
from core.errors import Conflict
from core.models import Location
from leads.models import Customer, Lead
from technicians.models import Technician

Scale = Literal["small", "large"]
_LIMITS = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")


class ForeignData(Conflict):
    """The database holds another company."""

    code = "foreign_data"
    title = "This database holds another company; the demo needs one of its own"


def seed(
    *,
    scale: Scale,
    seed: int,
    now: datetime,
    out: OutputWrapper,
    volume: Volume = LARGE,
) -> str:
    """Write what is missing of the demo at that scale, and return how it now stands.

    Raises:
        ForeignData: somebody else's branches are there.
    """
    dice, progress = Dice(seed), Progress(out)
    changed = False
    with _without_limits():
        if not is_seeded():
            if Location.objects.exists():
                raise ForeignData
            with transaction.atomic():
                seed_small(dice=dice, now=now, progress=progress)
            changed = True
        if scale == "large" and not is_grown():
            grow(volume=volume, dice=dice.fork("large"), now=now, progress=progress)
            changed = True
    start = "Seeded" if changed else "The demo is there already, nothing changed"
    return f"{start}: {_counts()}."


def _counts() -> str:
    return ", ".join(
        f"{model.objects.count():,} {name}"
        for name, model in (
            ("branches", Location),
            ("technicians", Technician),
            ("customers", Customer),
            ("leads", Lead),
            ("visits", Appointment),
        )
    )


@contextmanager
def _without_limits() -> Iterator[None]:
    """Lift this session's limits, which are made for requests."""
    with connection.cursor() as cursor:
        for name in _LIMITS:
            cursor.execute(f"SET {name} = 0")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            for name in _LIMITS:
                cursor.execute(f"RESET {name}")

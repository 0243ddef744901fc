"""The packed form of a technician's taken time; PostgreSQL writes it (ADR 10)."""

import struct
from collections.abc import Collection, Iterable
from datetime import datetime
from functools import lru_cache
from operator import itemgetter
from uuid import UUID

from appointments.rules.slots.facts import Stop, minute_from, to_minute
from core.travel import Place

# As `stops_of_technician_day()` packs it.
RECORD = struct.Struct(">iiiiq16s")

_HELD_UNTIL = itemgetter(4)

# Stands for "no coordinates".
NOWHERE = -(2**31)


def stop(
    start: datetime,
    end: datetime,
    *,
    owner: UUID,
    place: Place | None = None,
    held_until: datetime | None = None,
) -> Stop:
    """Return a stop made by hand, as `live` would return it."""
    latitude, longitude = place or (NOWHERE, NOWHERE)
    held = 0 if held_until is None else round(held_until.timestamp() * 1_000_000)
    return (to_minute(start), minute_from(end), latitude, longitude, held, owner.bytes)


@lru_cache(maxsize=20_000)
def _unpacked(packed: bytes) -> tuple[Stop, ...]:
    """Return a day's stops. Days are asked for far more often than they change."""
    return tuple(RECORD.iter_unpack(packed))


def unpacked(days: Iterable[bytes]) -> list[Stop]:
    """Return all stops of packed days that follow each other, in order of time.

    What reaches over midnight, which both days tell of, is there once.
    """
    found: list[Stop] = []
    for packed in days:
        stops = _unpacked(packed)
        again = found and stops and found[-1] == stops[0]
        found += stops[1:] if again else stops
    return found


def live(
    days: Iterable[bytes], *, now: datetime, own: Collection[UUID] = ()
) -> list[Stop]:
    """Return the stops that count: no holds that are over, none of `own`."""
    moment = round(now.timestamp() * 1_000_000)
    not_mine = {owner.bytes for owner in own}
    return [
        each
        for each in unpacked(days)
        if (not each[4] or each[4] > moment) and each[5] not in not_mine
    ]


def has_holds(stops: Iterable[Stop]) -> bool:
    """Tell whether one of the stops is only held: it ends without being written."""
    return any(map(_HELD_UNTIL, stops))

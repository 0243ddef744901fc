"""Technicians' days, packed anew in Python from the assignments: what must be there."""

import struct
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from appointments.models import Assignment, TechnicianDay

Days = dict[tuple[UUID, date], bytes]

_RECORD = struct.Struct(">iiiiq16s")
_NOWHERE = -(2**31)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def packed_days() -> Days:
    """Return what the triggers have packed, but for days that are free."""
    rows = TechnicianDay.objects.exclude(stops=b"")
    return {(row.technician_id, row.day): bytes(row.stops) for row in rows}


def expected_days() -> Days:
    """Return what the unreleased assignments of this moment come to."""
    days: Days = {}
    for row in Assignment.objects.holding().order_by("occupied_from"):
        day = row.occupied_from.astimezone(UTC).date()
        last = (row.occupied_until - _MICROSECOND).astimezone(UTC).date()
        while day <= last:
            key = (row.technician_id, day)
            days[key] = days.get(key, b"") + _packed(row)
            day += timedelta(days=1)
    return days


def _packed(row: Assignment) -> bytes:
    owner = row.appointment_id or row.hold_id
    assert owner is not None
    held = (row.held_until - _EPOCH) // _MICROSECOND if row.held_until else 0
    return _RECORD.pack(
        (row.occupied_from - _EPOCH) // timedelta(minutes=1),
        -((_EPOCH - row.occupied_until) // timedelta(minutes=1)),
        _millionths(row.latitude),
        _millionths(row.longitude),
        held,
        owner.bytes,
    )


def _millionths(degrees: float | None) -> int:
    return _NOWHERE if degrees is None else round(degrees * 1_000_000)

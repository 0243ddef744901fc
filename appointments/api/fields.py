"""Times on the wire: with the branch's offset going out, unambiguous coming in."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.api.fields import EARLIEST, LATEST

LONGEST = 40  # characters; no sensible timestamp has more


@extend_schema_field(
    {
        "type": "string",
        "examples": ["2027-03-02T08:00:00-07:00", "2027-03-02T08:00:00"],
        "description": (
            "RFC 3339 with an offset, or a local time of the branch without one."
        ),
    }
)
class MomentField(serializers.Field):
    """An instant with its offset, or a wall time of the branch (then naive)."""

    default_error_messages = {
        "invalid": "Give a time such as 2027-03-02T08:00:00-07:00.",
        "range": "Must lie in 2000..2100.",
    }

    def to_internal_value(self, data: Any) -> datetime:
        if not isinstance(data, str) or "T" not in data.upper() or len(data) > LONGEST:
            self.fail("invalid")
        try:
            moment = datetime.fromisoformat(data)
        except ValueError:
            self.fail("invalid")
        if not EARLIEST <= moment.date() < LATEST:
            self.fail("range")
        return moment

    def to_representation(self, value: datetime) -> str:
        return value.isoformat()


@extend_schema_field({"type": "string", "format": "date-time"})
class BranchTimeField(serializers.Field):
    """An instant shown by the wall clock of the thing's branch, with its offset."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(read_only=True, **kwargs)

    def get_attribute(self, instance: Any) -> datetime | None:
        moment: datetime | None = super().get_attribute(instance)
        return moment and moment.astimezone(instance.location.time_zone)

    def to_representation(self, value: datetime) -> str:
        return value.isoformat()


def arrival_text(
    *, starts_at: datetime, ends_at: datetime, is_window: bool, zone: ZoneInfo
) -> str:
    """Return a promise as people say it: Tue, Mar 2, 8:00 - 10:00 AM."""
    start, end = starts_at.astimezone(zone), ends_at.astimezone(zone)
    day = f"{start:%a}, {start:%b} {start.day}"
    if not is_window:
        return f"{day}, {_clock(start)} {start:%p}"
    if start.strftime("%p") == end.strftime("%p"):
        return f"{day}, {_clock(start)} \N{EN DASH} {_clock(end)} {end:%p}"
    return f"{day}, {_clock(start)} {start:%p} \N{EN DASH} {_clock(end)} {end:%p}"


def _clock(moment: datetime) -> str:
    return f"{moment.hour % 12 or 12}:{moment:%M}"

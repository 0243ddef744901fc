"""Fields of a form that let nothing strange in."""

from datetime import date, datetime
from functools import cache
from operator import attrgetter
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.text import clean_text, normalise_email

EARLIEST = date(2000, 1, 1)
LATEST = date(2100, 1, 1)
_LONGEST_TIMESTAMP = 40  # characters; no sensible one has more


class CleanCharField(serializers.CharField):
    """Text in NFC, trimmed, without bidirectional controls, NUL or lone surrogates."""

    def run_validation(self, data: Any = serializers.empty) -> Any:
        # Cleaned first, so that a text of nothing but marks counts as blank. NUL
        # and surrogates are refused by validators that every CharField has.
        if isinstance(data, str):
            data = self.clean(data)
        return super().run_validation(data)

    def clean(self, value: str) -> str:
        """Return the text in the one form in which it is stored and compared."""
        return clean_text(value)


class CleanEmailField(CleanCharField, serializers.EmailField):
    """An e-mail address, trimmed and case-folded."""

    def clean(self, value: str) -> str:
        return normalise_email(value)


class DayField(serializers.DateField):
    """A date on the wall calendar, in 2000..2100."""

    default_error_messages = {"range": "Must lie in 2000..2100."}

    def to_internal_value(self, value: Any) -> date:
        if isinstance(value, str) and not value.isascii():
            self.fail("invalid", format="YYYY-MM-DD")  # not digits of another script
        day: date = super().to_internal_value(value)
        if not EARLIEST <= day < LATEST:
            self.fail("range")
        return day


@cache
def _zone_names() -> frozenset[str]:
    return frozenset(available_timezones())


class ZoneField(serializers.CharField):
    """The IANA name of a time zone."""

    default_error_messages = {"zone": "There is no such time zone."}

    def to_internal_value(self, data: Any) -> ZoneInfo:  # type: ignore[override]  # a zone, not its name
        # Asked of a list: looking for the file itself would look anywhere.
        name = super().to_internal_value(data)
        if name not in _zone_names():
            self.fail("zone")
        return ZoneInfo(name)

    def to_representation(self, value: ZoneInfo) -> str:  # type: ignore[override]  # as above
        return value.key


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
        if (
            not isinstance(data, str)
            or "T" not in data.upper()
            or len(data) > _LONGEST_TIMESTAMP
        ):
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
    """An instant shown by the wall clock of the thing's branch, with its offset.

    `branch` is the path from the thing to its location.
    """

    def __init__(self, *, branch: str = "location", **kwargs: Any) -> None:
        super().__init__(read_only=True, **kwargs)
        self._branch_of = attrgetter(branch)

    def get_attribute(self, instance: Any) -> datetime | None:
        moment: datetime | None = super().get_attribute(instance)
        return moment and moment.astimezone(self._branch_of(instance).time_zone)

    def to_representation(self, value: datetime) -> str:
        return value.isoformat()

"""Times on the wire: with the branch's offset going out, unambiguous coming in."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from rest_framework import serializers

from appointments.rules.slots import Override
from core.api.fields import BranchTimeField, MomentField
from core.errors import Rejected

__all__ = ["BranchTimeField", "MomentField", "OverrideField", "arrival_text"]


class UnknownOverride(Rejected):
    """That rule cannot be set aside, by nobody."""

    code = "unknown_override"
    title = "Not a rule that can be overridden"


class OverrideField(serializers.ListField):
    """Soft rules that staff set aside, for the `reason` that is sent along."""

    child = serializers.ChoiceField(choices=[rule.value for rule in Override])

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"required": False, "max_length": len(Override)} | kwargs)

    def run_child_validation(self, data: Any) -> Any:
        known = [rule.value for rule in Override]
        for rule in data:
            if isinstance(rule, str) and rule not in known:
                raise UnknownOverride(
                    f"{rule!r} cannot be overridden.", overridable=known
                )
        return super().run_child_validation(data)

    def to_internal_value(  # type: ignore[override]  # a set, not the list it came as
        self, data: Any
    ) -> frozenset[Override]:
        rules: Iterable[str] = super().to_internal_value(data)
        return frozenset(map(Override, rules))


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

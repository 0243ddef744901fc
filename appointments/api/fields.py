"""Times on the wire: with the branch's offset going out, unambiguous coming in."""

from datetime import datetime
from zoneinfo import ZoneInfo

from core.api.fields import BranchTimeField, MomentField

__all__ = ["BranchTimeField", "MomentField", "arrival_text"]


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

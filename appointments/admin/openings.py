"""Starts on offer, laid out by day."""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from appointments.selectors.choices import Opening
from core.admin.display import hours_text, window_text
from core.admin.forms import ActionForm

# As many days as fit side by side.
DAYS = 5


def slot_page(
    found: Iterable[Opening], *, zone: ZoneInfo, first: date
) -> dict[str, Any]:
    """Return the openings by local day, and where to page to."""
    days = [first + timedelta(days=n) for n in range(DAYS)]
    by_day: dict[date, list[dict[str, Any]]] = {day: [] for day in days}
    for opening in found:
        slots = by_day.setdefault(opening.promise.day, [])
        slots.append(_slot(opening, zone=zone))
    return {
        "days": list(by_day.items()),
        "zone_name": datetime.combine(first, time(12), tzinfo=zone).tzname(),
        "first": first.isoformat(),
        "earlier": (first - timedelta(days=DAYS)).isoformat(),
        "later": (first + timedelta(days=DAYS)).isoformat(),
    }


def alternatives_of(form: ActionForm, *, zone: ZoneInfo) -> list[str]:
    """Return what a refusal offered instead, as one reads it."""
    return [
        window_text(
            datetime.fromisoformat(one["starts_at"]),
            datetime.fromisoformat(one["ends_at"]),
            zone=zone,
        )
        for one in form.alternatives
    ]


def _slot(opening: Opening, *, zone: ZoneInfo) -> dict[str, Any]:
    promise = opening.promise
    return {
        "value": promise.starts_at.astimezone(zone).isoformat(),
        "label": hours_text(promise.starts_at, promise.ends_at, zone=zone, named=False),
        "names": ", ".join(opening.technicians),
        "free": len(opening.technicians),
    }

"""A visit's events, as sentences."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from appointments.admin.looks import words
from appointments.models import Appointment
from appointments.selectors.visits import history_of
from core.admin.display import Tone, window_text
from core.admin.history import MOST, Entry, Titles, entry_of
from core.models import Event
from technicians.models import Technician

_TITLES: Titles = {
    "appointment.booked": ("Booked", Tone.CALM),
    "appointment.taken_in": ("Taken in as promised elsewhere", Tone.CALM),
    "appointment.requested": ("Asked for", Tone.WAITING),
    "appointment.approved": ("Approved", Tone.CALM),
    "appointment.declined": ("Declined", Tone.ALERT),
    "appointment.rescheduled": ("Moved to another time", Tone.WAITING),
    "appointment.assigned": ("Technician changed", Tone.SENT),
    "appointment.unassigned": ("Technician taken off", Tone.ALERT),
    "appointment.updated": ("Notes changed", Tone.PLAIN),
    "appointment.cancelled": ("Cancelled", Tone.ALERT),
}


def steps_of(visit: Appointment) -> list[Entry]:
    """Return the history, the latest step first."""
    zone = visit.location.time_zone
    latest = history_of(appointment_id=visit.pk).order_by("-number")
    events = list(latest[:MOST])
    names = _names(events)
    return [_entry(event, names=names, zone=zone) for event in events]


def _entry(event: Event, *, names: Mapping[str, str], zone: ZoneInfo) -> Entry:
    changes = _changes(
        event.data, event.data.get("previous", {}), names=names, zone=zone
    )
    titles = _TITLES
    if event.name == "appointment.status_changed":
        titles = {event.name: (words(event.data.get("status", "")), Tone.ACTIVE)}
    return entry_of(event, titles=titles, zone=zone, changes=changes)


def _changes(
    after: Mapping[str, Any],
    before: Mapping[str, Any],
    *,
    names: Mapping[str, str],
    zone: ZoneInfo,
) -> Iterator[str]:
    """Yield what is different; of the first event, what was agreed."""
    now, was = _promise(after, zone=zone), _promise(before, zone=zone)
    if now and now != was and ("window_starts_at" in before or not before):
        yield f"{was} \N{RIGHTWARDS ARROW} {now}" if was else now
    crew, former = _crew(after, names), _crew(before, names)
    if "technicians" in before and crew != former:
        yield f"{former} \N{RIGHTWARDS ARROW} {crew}"
    elif not before and after.get("technicians"):
        yield crew
    if "status" in before and before["status"] != after.get("status"):
        yield f"{words(before['status'])} \N{RIGHTWARDS ARROW} {words(after['status'])}"
    if "swapped_with" in after:
        yield f"Swapped with {names.get(after['swapped_with'], 'another visit')}"
    if after.get("override"):
        yield f"Set aside: {', '.join(after['override'])}"


def _promise(data: Mapping[str, Any], *, zone: ZoneInfo) -> str:
    try:
        starts_at = datetime.fromisoformat(data["window_starts_at"])
        ends_at = datetime.fromisoformat(data["window_ends_at"])
    except (KeyError, ValueError):
        return ""
    return window_text(starts_at, ends_at, zone=zone)


def _crew(data: Mapping[str, Any], names: Mapping[str, str]) -> str:
    ids = data.get("technicians", [])
    return ", ".join(names.get(pk, "somebody") for pk in ids) or "nobody"


def _names(events: list[Event]) -> dict[str, str]:
    """Return the names of all whom the events tell of: technicians, swapped visits."""
    ids = {
        pk
        for event in events
        for data in (event.data, event.data.get("previous", {}))
        for pk in data.get("technicians", [])
    }
    rows = list(Technician.objects.filter(pk__in=ids).values_list("pk", "name"))
    swapped = {event.data["swapped_with"] for event in events if _is_swap(event)}
    if swapped:
        visits = Appointment.objects.filter(pk__in=swapped)
        rows += visits.values_list("pk", "reference")
    return {str(pk): name for pk, name in rows}


def _is_swap(event: Event) -> bool:
    return "swapped_with" in event.data

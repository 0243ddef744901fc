"""What comes from there: export feeds, and webhooks as hints to read a thing anew."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from integrations.connectors.port import Caller
from integrations.connectors.servicetitan import bookings, jobs, people, wire
from integrations.rules.things import Inbound, Page, Remote

# Who works there is read first: the rest names them.
_FEEDS = {
    "technicians": ("settings", "export/technicians"),
    "appointments": ("jpm", "export/appointments"),
    "jobs": ("jpm", "export/jobs"),
    "appointment-assignments": ("dispatch", "export/appointment-assignments"),
    "customers": ("crm", "export/customers"),
    "bookings": ("crm", "export/bookings"),
}
FEEDS = tuple(_FEEDS)
# Longer names first: an assignment's event names the appointment too.
_WORDS = ("assignment", "appointment", "job", "booking", "customer")
_KINDS = {jobs.APPOINTMENT: "appointment", people.CUSTOMER: "customer"}
_MOST_BYTES = 256 * 1024


def poll(call: Caller, feed: str, cursor: str) -> Page:
    """Read on in an export feed."""
    module, rest = _FEEDS[feed]
    asked = {
        "from": cursor or _first_day(call),
        "includeRecentChanges": "true",
        **people.external_query(call),
    }
    said = call("GET", wire.path(call, module, rest), params=asked).json or {}
    rows = said.get("data") or []
    return Page(
        remotes=tuple(_read(call, feed, rows)),
        cursor=str(said.get("continueFrom") or cursor),
        has_more=bool(said.get("hasMore")),
    )


def read(call: Caller, event: Inbound) -> list[Remote]:
    """Take the id out of a webhook, and read the thing as it is now.

    The envelope is not public and may be unsigned in time, so nothing else of it
    counts.
    """
    body = _parsed(event.body)
    word = _word(call, event.event_type or _type_in(body))
    if not word:
        return []
    remote_type, remote_id = _target(call, word, body)
    found = fetch(call, remote_type, remote_id)
    if found is None and remote_id.isdecimal() and remote_type in _KINDS:
        found = Remote(
            kind=_KINDS[remote_type],
            remote_type=remote_type,
            remote_id=remote_id,
            is_gone=True,
        )
    return [found] if found else []


def fetch(call: Caller, remote_type: str, remote_id: str) -> Remote | None:
    """Read one of theirs as it stands now."""
    if not remote_id.isdecimal():
        return None
    if remote_type == bookings.BOOKING:
        return bookings.fetch(call, remote_id)
    if remote_type == people.CUSTOMER:
        return people.fetch_customer(call, remote_id)
    if remote_type in {jobs.APPOINTMENT, jobs.JOB}:
        return jobs.fetch(call, remote_type, remote_id)
    return None


def _read(call: Caller, feed: str, rows: list[Mapping[str, Any]]) -> list[Remote]:
    if feed == "appointments":
        return [jobs.remote_of(row) for row in rows]
    if feed == "jobs":
        return [found for row in rows if (found := jobs.job_remote(row))]
    if feed == "appointment-assignments":
        ids = dict.fromkeys(str(row["appointmentId"]) for row in rows)
        bare = [
            Remote(kind="appointment", remote_type=jobs.APPOINTMENT, remote_id=each)
            for each in ids
        ]
        return jobs.with_crews(call, bare)
    of_row = {
        "customers": people.customer_remote,
        "bookings": bookings.remote_of,
        "technicians": people.technician_remote,
    }[feed]
    return [of_row(row) for row in rows]


def _first_day(call: Caller) -> str:
    """Return where a feed begins that was never read."""
    yesterday = datetime.now(UTC) - timedelta(days=1)
    return str(call.settings.get("poll_from") or yesterday.date().isoformat())


def _word(call: Caller, event_type: str) -> str:
    """Return what a webhook is about, or "" where it is nothing for us."""
    named: dict[str, str] = {}
    for pair in str(call.settings.get("webhook_events") or "").split(","):
        name, _, word = pair.partition("=")
        named[name.strip()] = word.strip()
    said = named.get(event_type, event_type).casefold()
    return next((word for word in _WORDS if word in said), "")


def _target(call: Caller, word: str, body: Mapping[str, Any]) -> tuple[str, str]:
    if word == "assignment":
        return jobs.APPOINTMENT, _at(body, "appointmentId", "data.appointmentId")
    path = str(call.settings.get("webhook_id_path") or "id")
    return word, _at(body, path, "id", f"{word}Id", "data.id", "entityId")


def _type_in(body: Mapping[str, Any]) -> str:
    return _at(body, "eventType", "eventName", "event", "type")


def _at(body: Mapping[str, Any], *paths: str) -> str:
    """Return what stands at the first of these paths that has a number or a text."""
    for path in paths:
        found: Any = body
        for name in path.split("."):
            found = found.get(name) if isinstance(found, Mapping) else None
        if isinstance(found, str | int) and not isinstance(found, bool):
            return str(found)
    return ""


def _parsed(body: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(body[:_MOST_BYTES])
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}

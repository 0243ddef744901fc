"""Theirs in our words."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.conf import settings

from core.text import normalise_phone
from integrations.connectors.housecallpro.invoices import reference_of
from integrations.connectors.housecallpro.wire import Row
from integrations.rules.things import Remote

# A job says `in progress`, a filter `in_progress`: spaces and underscores are one.
_STATUS = {
    "scheduled": "scheduled",
    "in progress": "on_site",
    "completed": "completed",
    "complete": "completed",
    "complete rated": "completed",
    "complete unrated": "completed",
    "canceled": "cancelled",
    "user canceled": "cancelled",
    "pro canceled": "cancelled",
}
_ADDRESS = {
    "line1": "street",
    "line2": "street_line_2",
    "city": "city",
    "region": "state",
    "postal_code": "zip",
}
_LEAD_STATUS = {"lost": "dismissed"}


def job(row: Row) -> Remote:
    """Return a job as a visit. What is not said, or not known, is left out."""
    schedule = row.get("schedule") or {}
    fields: dict[str, Any] = {}
    if start := moment(schedule.get("scheduled_start")):
        fields["window_starts_at"] = start
    crew = row.get("assigned_employees")
    if isinstance(crew, list):
        fields["technicians"] = sorted(str(each["id"]) for each in crew if "id" in each)
    if status := _status(row):
        fields["status"] = status
    return _remote(
        row,
        kind="appointment",
        remote_type="job",
        fields=fields,
        reference=reference_of(str(row.get("invoice_number") or "")),
        also=_appointment_of(row),
    )


def customer(row: Row) -> Remote:
    """Return a customer with the contacts that we use."""
    names = (row.get("first_name"), row.get("last_name"))
    name = " ".join(part for part in names if part) or row.get("company") or ""
    fields = {
        "name": name,
        "email": str(row.get("email") or "").strip().casefold(),
        "phone": _phone(row.get("mobile_number")),
    }
    return _remote(
        row,
        kind="customer",
        remote_type="customer",
        fields={name: value for name, value in fields.items() if value},
    )


def address(row: Row) -> Remote:
    """Return an address of a customer."""
    fields = {ours: str(row.get(their) or "") for ours, their in _ADDRESS.items()}
    return _remote(row, kind="property", remote_type="address", fields=fields)


def lead(row: Row) -> Remote:
    """Return a lead; ours are known by the reference in their note."""
    fields = {}
    if status := _LEAD_STATUS.get(str(row.get("status") or "")):
        fields["status"] = status
    return _remote(
        row,
        kind="lead",
        remote_type="lead",
        fields=fields,
        reference=reference_in(str(row.get("note") or "")),
    )


def employee(row: Row) -> Remote:
    """Return a technician; only those who work there are listed."""
    names = (row.get("first_name"), row.get("last_name"))
    fields = {
        "name": " ".join(part for part in names if part),
        "email": str(row.get("email") or "").strip().casefold(),
        "phone": _phone(row.get("mobile_number")),
    }
    return _remote(row, kind="technician", remote_type="employee", fields=fields)


def _phone(said: Any) -> str:
    """Return a phone as E.164, or as they say it where it is none."""
    given = str(said or "")
    return normalise_phone(given, region=settings.DEFAULT_PHONE_REGION) or given


def reference_in(note: str) -> str:
    """Return our reference out of a note of ours, or nothing."""
    _, found, rest = note.rpartition("ref:")
    return rest.split()[0] if found and rest.split() else ""


def moment(said: Any) -> str:
    """Return their time as ours: UTC, to the second; blank where it is none."""
    found = parsed(said)
    return found.strftime("%Y-%m-%dT%H:%M:%SZ") if found else ""


def parsed(said: Any) -> datetime | None:
    """Return their time; without an offset it is UTC."""
    try:
        found = datetime.fromisoformat(str(said or ""))
    except ValueError:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)


def _status(row: Row) -> str:
    if row.get("deleted_at") or row.get("canceled_at"):
        return "cancelled"
    said = str(row.get("work_status") or "").replace("_", " ").strip().lower()
    status = _STATUS.get(said, "")
    stamps = row.get("work_timestamps")
    is_on_the_way = isinstance(stamps, Mapping) and stamps.get("on_my_way_at")
    return "en_route" if status == "scheduled" and is_on_the_way else status


def appointments(row: Row) -> list[Row]:
    """Return a job's appointments, where the answer has them."""
    listed = row.get("appointments") or (row.get("schedule") or {}).get("appointments")
    return listed if isinstance(listed, list) else []


def notes(row: Row) -> list[str]:
    """Return what was noted of a job."""
    listed = row.get("notes") or []
    if isinstance(listed, str):
        return listed.splitlines()
    return [
        str(note.get("content") if isinstance(note, Mapping) else note)
        for note in listed
    ]


def _appointment_of(row: Row) -> dict[str, str]:
    """Return the id of a job's only appointment, where the answer has it."""
    listed = appointments(row)
    if len(listed) == 1 and listed[0].get("id"):
        return {"job_appointment": str(listed[0]["id"])}
    return {}


def _remote(
    row: Row,
    *,
    kind: str,
    remote_type: str,
    fields: Mapping[str, Any],
    reference: str = "",
    also: Mapping[str, str] | None = None,
) -> Remote:
    changed = parsed(row.get("updated_at"))
    return Remote(
        kind=kind,
        remote_type=remote_type,
        remote_id=str(row["id"]),
        fields=fields,
        version=changed.isoformat(timespec="microseconds") if changed else "",
        changed_at=changed,
        reference=reference,
        also=also or {},
        is_gone=bool(row.get("deleted_at")),
    )

"""A visit is a job with one appointment: made, moved, and taken off the calendar."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from integrations.connectors.housecallpro import reading
from integrations.connectors.housecallpro.invoices import invoice_number
from integrations.connectors.housecallpro.people import customer_id_of
from integrations.connectors.housecallpro.wire import (
    all_rows,
    created,
    is_gone,
    read_one,
    rows_of,
    says_yes,
)
from integrations.connectors.port import Caller, Known
from integrations.rules.refusals import NotYet, Refused
from integrations.rules.things import Remote, Thing

_NOT_FIRM = frozenset({"held", "requested"})
_OFF = frozenset({"cancelled", "no_show"})
_TIME = frozenset({"window_starts_at", "window_ends_at", "ends_at"})
_CREW = "technicians"


def find(call: Caller, thing: Thing, known: Known) -> Remote | None:
    """Return the customer's job with our invoice number, or with our start."""
    by_number = call.settings.get("invoice_number") != "none"
    for row in all_rows(call, "/jobs", "jobs", customer_id=customer_id_of(known)):
        job = reading.job(row)
        start = job.fields.get("window_starts_at")
        if by_number and job.reference == thing.reference:
            return job
        if not by_number and start == thing.fields["window_starts_at"]:
            return job
    return None


def create(call: Caller, thing: Thing, known: Known, body: Mapping[str, Any]) -> Remote:
    """Put a visit on their calendar, as a job.

    Raises:
        NotYet: it is not firm, or is off before they heard of it.
    """
    status = thing.fields["status"]
    if status in _NOT_FIRM | _OFF:
        raise NotYet(f"The visit is {status}: there is no job to make.")
    sent = {
        **_plain(body),
        "customer_id": customer_id_of(known),
        "address_id": _address_id_of(known),
        "schedule": {
            **_times(body, start="scheduled_start", end="scheduled_end"),
            "arrival_window": _arrival_minutes(body),
        },
        "assigned_employee_ids": body.get("assigned_employee_ids") or [],
    }
    if number := invoice_number(thing, settings=call.settings):
        sent["invoice_number"] = number
    try:
        return reading.job(created(call("POST", "/jobs", json=sent).json))
    except Refused:
        # Most likely because the number is taken: by the job that we made before.
        found = find(call, thing, known)
        if found is None:
            raise
        return found


def update(
    call: Caller,
    thing: Thing,
    known: Known,
    body: Mapping[str, Any],
    changed: frozenset[str],
) -> Remote | None:
    """Tell what of a visit changed, as far as they let us."""
    job_id = known.ids["job"]
    if thing.fields["status"] in _OFF:
        _take_off(call, thing, known)
        return None
    if "notes" in changed and body.get("notes"):
        _note_once(call, job_id, str(body["notes"]))
    if not changed & {*_TIME, _CREW}:
        return None
    if not _is_company_key(call):
        _reschedule(call, job_id, body, changed)
        return None
    return _move(call, job_id, known, body)


def _move(call: Caller, job_id: str, known: Known, body: Mapping[str, Any]) -> Remote:
    """Move the job's only appointment; one that lost it gets a new one."""
    sent = {
        **_times(body, start="start_time", end="end_time"),
        "dispatched_employees_ids": body.get("assigned_employee_ids") or [],
        "arrival_window_minutes": _arrival_minutes(body),
    }
    path = f"/jobs/{job_id}/appointments"
    appointment = _only_appointment(call, job_id, known)
    if appointment:
        call("PUT", f"{path}/{appointment}", json=sent)
    else:
        appointment = str(created(call("POST", path, json=sent).json)["id"])
    also = {"job_appointment": appointment}
    return Remote(kind="appointment", remote_type="job", remote_id=job_id, also=also)


def _reschedule(
    call: Caller, job_id: str, body: Mapping[str, Any], changed: frozenset[str]
) -> None:
    """Move the job as a whole, as an application's key may."""
    crew = [{"employee_id": each} for each in body.get("assigned_employee_ids") or []]
    if changed & _TIME:
        sent = {
            **_times(body, start="start_time", end="end_time"),
            "arrival_window_in_minutes": _arrival_minutes(body),
            "notify": says_yes(call, "notify_customers"),
            "notify_pro": says_yes(call, "notify_technicians", default="yes"),
        }
        call("PUT", f"/jobs/{job_id}/schedule", json=sent)
    if _CREW in changed:
        call("PUT", f"/jobs/{job_id}/dispatch", json={"dispatched_employees": crew})


def _take_off(call: Caller, thing: Thing, known: Known) -> None:
    """Free the place in their calendar, and say why in a note.

    Nobody may cancel a job through the API: a person closes it there.
    """
    job_id = known.ids["job"]
    path = f"/jobs/{job_id}/schedule"
    if _is_company_key(call):
        appointment = _only_appointment(call, job_id, known)
        path = f"/jobs/{job_id}/appointments/{appointment}" if appointment else ""
    if path:
        _delete(call, path)
    said = "No-show" if thing.fields["status"] == "no_show" else "Cancelled"
    why = str(thing.fields.get("cancellation_reason") or "no reason given")
    _note_once(call, job_id, f"{said} in Fieldbook ({thing.reference}): {why}")


def _only_appointment(call: Caller, job_id: str, known: Known) -> str:
    """Return the appointment that stands for our visit; blank where there is none.

    Raises:
        Refused: somebody added more there; which is ours only a person can tell.
    """
    body = call("GET", f"/jobs/{job_id}/appointments").json
    # The list may come by itself or, as other lists, under its name.
    listed = {"appointments": body} if isinstance(body, list) else body
    rows = rows_of(listed, "appointments")
    ids = [str(row["id"]) for row in rows]
    ours = known.ids.get("job_appointment", "")
    if ours in ids:
        return ours
    if len(ids) > 1:
        raise Refused(
            "The job has several appointments there, and none that we know: "
            "move it there by hand."
        )
    return ids[0] if ids else ""


def _note_once(call: Caller, job_id: str, text: str) -> None:
    """Add a note unless the job has it: telling twice must be as good as once."""
    job = read_one(call, f"/jobs/{job_id}") or {}
    if text not in reading.notes(job):
        call("POST", f"/jobs/{job_id}/notes", json={"content": text}, may_repeat=True)


def _delete(call: Caller, path: str) -> None:
    try:
        call("DELETE", path)
    except Refused as refusal:
        if not is_gone(refusal):
            raise


def _plain(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return what goes as it is, and the one line of the bill."""
    built = {"schedule", "assigned_employee_ids", "work_status", "line_item", "tags"}
    sent = {name: value for name, value in body.items() if name not in built and value}
    line = {name: value for name, value in body.get("line_item", {}).items() if value}
    if line.get("name"):
        sent["line_items"] = [{**line, "quantity": 1}]
    if tags := [tag for tag in (body.get("tags") or {}).values() if tag]:
        sent["tags"] = tags
    return sent


def _times(body: Mapping[str, Any], *, start: str, end: str) -> dict[str, Any]:
    schedule = body["schedule"]
    return {start: schedule["scheduled_start"], end: schedule["scheduled_end"]}


def _arrival_minutes(body: Mapping[str, Any]) -> int:
    """Return how long the window is that we promised."""
    schedule = body["schedule"]
    starts_at, ends_at = (
        datetime.fromisoformat(schedule[name])
        for name in ("scheduled_start", "window_ends_at")
    )
    return int((ends_at - starts_at).total_seconds() // 60)


def _address_id_of(known: Known) -> str:
    address = known.parents.get("property")
    if address is None or "address" not in address.ids:
        raise NotYet("They do not know the address yet.")
    return address.ids["address"]


def _is_company_key(call: Caller) -> bool:
    return (call.settings.get("key_type") or "company") == "company"

"""Visits: a job with its first appointment, and who is assigned to it."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from integrations.connectors.port import Caller, Known
from integrations.connectors.servicetitan import wire
from integrations.connectors.servicetitan.people import (
    CUSTOMER,
    LOCATION,
    external_data,
    external_query,
    reference_in,
    reference_query,
)
from integrations.rules.refusals import NotYet, Refused
from integrations.rules.things import Remote, Thing

APPOINTMENT, JOB = "appointment", "job"
# Asked for at once.
MOST_IDS = 50
_CONFLICT = 409
_TIMES = frozenset({"window_starts_at", "window_ends_at", "starts_at", "ends_at"})
_BEFORE_WORK = frozenset({"scheduled", "dispatched", "en_route"})
_STATUSES = {
    "Scheduled": "scheduled",
    "Dispatched": "dispatched",
    "Working": "on_site",
    "Done": "completed",
    "Canceled": "cancelled",
}
ENDS_OF_JOBS = {"Completed": "completed", "Canceled": "cancelled"}


def find(call: Caller, thing: Thing) -> Remote | None:
    """Look for the job that carries our reference."""
    asked = reference_query(call, thing.reference)
    jobs = list(wire.pages(call, wire.path(call, "jpm", "jobs"), asked))
    if not jobs:
        return None
    return _whole(call, min(jobs, key=lambda job: int(job["id"])))


def create(call: Caller, thing: Thing, known: Known, body: Mapping[str, Any]) -> Remote:
    """Create a job with one appointment, and its technicians on it."""
    if thing.fields["status"] not in _BEFORE_WORK:
        raise NotYet(f"A visit that is {thing.fields['status']} is not sent.")
    job = {
        "customerId": int(known.parents["customer"].ids[CUSTOMER]),
        "locationId": int(known.parents["property"].ids[LOCATION]),
        **_ids(call, body),
        "priority": body.get("priority") or "Normal",
        "summary": body.get("summary") or "",
        "appointments": [{**_times(body), "technicianIds": _crew(body)}],
        "externalData": external_data(call, thing.reference),
    }
    said = call("POST", wire.path(call, "jpm", "jobs"), json=job).json
    made = wire.with_id(wire.with_id(said), "firstAppointmentId")
    appointment_id = str(made["firstAppointmentId"])
    if str(call.settings.get("confirm_visits", "no")).casefold() == "yes":
        _confirm(call, appointment_id)
    return Remote(
        kind="appointment",
        remote_type=APPOINTMENT,
        remote_id=appointment_id,
        also={JOB: str(made["id"])},
    )


def update(
    call: Caller,
    thing: Thing,
    known: Known,
    body: Mapping[str, Any],
    changed: frozenset[str],
) -> Remote | None:
    """Tell of an end, else of another time and another crew."""
    status = thing.fields["status"]
    if status in {"cancelled", "no_show"}:
        _cancel(call, thing, known)
        return None
    if status == "completed":
        job = wire.path(call, "jpm", f"jobs/{_job_of(known)}/complete")
        call("PUT", job, json={"completedOn": thing.fields["updated_at"]})
        return None
    moved = _reschedule(call, known, body) if changed & _TIMES else None
    if "technicians" in changed:
        _assign(call, known, wanted=set(_crew(body)))
    return moved


def fetch(call: Caller, remote_type: str, remote_id: str) -> Remote | None:
    """Read an appointment, by its own id or by its job's, and who is assigned."""
    if remote_type == JOB:
        job = read_job(call, remote_id)
        return _whole(call, job) if job else None
    said = wire.get(call, wire.path(call, "jpm", f"appointments/{remote_id}"))
    if said is None:
        return None
    return with_crews(call, [remote_of(said)])[0]


def read_job(call: Caller, job_id: str) -> dict[str, Any] | None:
    """Read a job as they tell it, with our reference; None where there is none."""
    where = wire.path(call, "jpm", f"jobs/{job_id}")
    return wire.get(call, where, external_query(call))


def remote_of(said: Mapping[str, Any]) -> Remote:
    """Return an appointment as a visit, without who is assigned.

    The promise is the arrival window, unless the start was moved out of it.
    """
    start, end = wire.moment(said.get("start")), wire.moment(said.get("end"))
    opens = wire.moment(said.get("arrivalWindowStart")) or start
    closes = wire.moment(said.get("arrivalWindowEnd")) or end
    if start and opens and closes and not opens <= start < closes:
        opens, closes = start, end
    times = {
        "window_starts_at": opens,
        "window_ends_at": closes,
        "starts_at": start,
        "ends_at": end,
    }
    fields: dict[str, Any] = {name: value for name, value in times.items() if value}
    begins, ends = wire.parsed(start), wire.parsed(end)
    if begins and ends and ends > begins:
        fields["work_minutes"] = (ends - begins) // timedelta(minutes=1)
    if said.get("status") in _STATUSES:
        fields["status"] = _STATUSES[said["status"]]
    job = said.get("jobId")
    return Remote(
        kind="appointment",
        remote_type=APPOINTMENT,
        remote_id=str(said["id"]),
        fields=fields,
        version=wire.version(said.get("modifiedOn")),
        changed_at=wire.parsed(said.get("modifiedOn")),
        also={JOB: str(job)} if job else {},
        is_gone=said.get("active") is False,
    )


def job_remote(said: Mapping[str, Any]) -> Remote | None:
    """Return what a job says of its visit: how it ended, and whose it is.

    Its time of change is not the appointment's, so it orders nothing.
    """
    first = said.get("firstAppointmentId")
    if not first:
        return None
    ended = ENDS_OF_JOBS.get(str(said.get("jobStatus")))
    return Remote(
        kind="appointment",
        remote_type=APPOINTMENT,
        remote_id=str(first),
        fields={"status": ended} if ended else {},
        changed_at=wire.parsed(said.get("modifiedOn")),
        reference=reference_in(said),
        also={JOB: str(said["id"])},
    )


def with_crews(call: Caller, remotes: Iterable[Remote]) -> list[Remote]:
    """Return the appointments with who is assigned to each as it is now."""
    given = list(remotes)
    crews = _crews(call, [remote.remote_id for remote in given])
    return [
        replace(
            remote, fields={**remote.fields, "technicians": crews[remote.remote_id]}
        )
        for remote in given
    ]


def _whole(call: Caller, job: Mapping[str, Any]) -> Remote | None:
    """Return a job's first appointment with all that is known of it."""
    of_job = job_remote(job)
    if of_job is None:
        return None
    found = fetch(call, APPOINTMENT, of_job.remote_id)
    if found is None:
        return None
    return replace(
        found,
        fields={**found.fields, **of_job.fields},
        reference=of_job.reference,
        also=of_job.also,
    )


def _crews(call: Caller, appointment_ids: list[str]) -> dict[str, list[str]]:
    crews: dict[str, set[str]] = {each: set() for each in appointment_ids}
    where = wire.path(call, "dispatch", "appointment-assignments")
    for first in range(0, len(appointment_ids), MOST_IDS):
        ids = ",".join(appointment_ids[first : first + MOST_IDS])
        for said in wire.pages(call, where, {"appointmentIds": ids}):
            appointment_id = str(said.get("appointmentId"))
            if said.get("active", True) and appointment_id in crews:
                crews[appointment_id].add(str(said["technicianId"]))
    return {each: sorted(crew) for each, crew in crews.items()}


def _times(body: Mapping[str, Any]) -> dict[str, Any]:
    said = body.get("appointment", {})
    names = ("start", "end", "arrivalWindowStart", "arrivalWindowEnd")
    return {name: said[name] for name in names if said.get(name)}


def _crew(body: Mapping[str, Any]) -> list[int]:
    return [int(each) for each in body.get("appointment", {}).get("technicianIds", [])]


def _ids(call: Caller, body: Mapping[str, Any]) -> dict[str, int]:
    """Return the ids of theirs that each job has: mapped, or the setting's."""
    found = {}
    for name, field, setting in (
        ("jobTypeId", "service", "job_type_id"),
        ("businessUnitId", "location", "business_unit_id"),
        ("campaignId", "source", "campaign_id"),
    ):
        known = wire.number(body.get(name), call.settings.get(setting))
        if known is None:
            raise Refused(
                f"Map appointment.{field} {body.get(name)!r} to a {name} of theirs, "
                f"or set {setting}.",
                code="not_mapped",
            )
        found[name] = known
    return found


def _reschedule(call: Caller, known: Known, body: Mapping[str, Any]) -> Remote:
    where = f"appointments/{known.ids[APPOINTMENT]}/reschedule"
    said = call(
        "PATCH", wire.path(call, "jpm", where), json=_times(body), may_repeat=True
    ).json
    return remote_of(wire.with_id(said))


def _assign(call: Caller, known: Known, *, wanted: set[int]) -> None:
    """Put those on the appointment who are missing, and take the others off."""
    appointment_id = known.ids[APPOINTMENT]
    there = {int(each) for each in _crews(call, [appointment_id])[appointment_id]}
    for verb, crew in (
        ("unassign-technicians", there - wanted),
        ("assign-technicians", wanted - there),
    ):
        if crew:
            call(
                "POST",
                wire.path(call, "dispatch", f"appointment-assignments/{verb}"),
                json={
                    "jobAppointmentId": int(appointment_id),
                    "technicianIds": sorted(crew),
                },
                may_repeat=True,
            )


def _cancel(call: Caller, thing: Thing, known: Known) -> None:
    name = (
        "no_show_reason_id"
        if thing.fields["status"] == "no_show"
        else "cancel_reason_id"
    )
    reason = wire.number(call.settings.get(name), call.settings.get("cancel_reason_id"))
    if reason is None:
        raise Refused(f"Set {name}: a job is cancelled for a reason of theirs.")
    memo = thing.fields["cancellation_reason"] or thing.fields["status"]
    call(
        "PUT",
        wire.path(call, "jpm", f"jobs/{_job_of(known)}/cancel"),
        json={"reasonId": reason, "memo": memo},
    )


def _job_of(known: Known) -> str:
    """Return the job that a visit stands for.

    Raises:
        Refused: it is a further appointment of a job: to end that would end the others.
    """
    if JOB not in known.ids:
        raise Refused("A further appointment of a job can only be ended there.")
    return known.ids[JOB]


def _confirm(call: Caller, appointment_id: str) -> None:
    where = wire.path(call, "jpm", f"appointments/{appointment_id}/confirmation")
    try:
        call("PUT", where)
    except Refused as refusal:
        if refusal.status != _CONFLICT:  # it is confirmed already
            raise

"""Visits that the office there makes: any appointment of any job, read whole."""

import re
from collections.abc import Mapping
from dataclasses import replace
from html import unescape
from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.utils.html import strip_tags

from integrations.connectors.port import Caller
from integrations.connectors.servicetitan import bookings, jobs, people
from integrations.rules.things import Remote

# A line ends where one of these does.
_LINE_ENDS = re.compile(r"<br\b[^>]*>|</(?:p|div|li|h[1-6])\s*>", re.IGNORECASE)


def whole(call: Caller, remote: Remote) -> Remote | None:
    """Read an appointment with its job, and whose that is and where.

    Only the first appointment of a job stands for it: another is no visit of ours, even
    where the job carries our reference.
    """
    visit = jobs.fetch(call, jobs.APPOINTMENT, remote.remote_id)
    if visit is None or visit.is_gone or "starts_at" not in visit.fields:
        return None
    job = jobs.read_job(call, visit.also[jobs.JOB]) if visit.also else None
    if job is None:
        return None
    of_job = jobs.job_remote(job)
    is_first = of_job is not None and of_job.remote_id == visit.remote_id
    return replace(
        visit,
        fields={**visit.fields, **_about(job)},
        reference=people.reference_in(job) if is_first else "",
        also={jobs.JOB: str(job["id"])} if is_first else {},
        parents=_parents(call, job),
    )


def plain(html: str) -> str:
    """Return a text without its tags, a line for each of its lines."""
    marked = _LINE_ENDS.sub("\n", html)
    try:
        text = strip_tags(marked)
    except SuspiciousOperation:  # hundreds of brackets that close nowhere: no HTML
        text = marked
    lines = (" ".join(line.split()) for line in unescape(text).splitlines())
    return "\n".join(line for line in lines if line)


def _about(job: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a job says of each of its visits, in their ids."""
    found = {
        "service": job.get("jobTypeId"),
        "location": job.get("businessUnitId"),
        "summary": plain(str(job.get("summary") or "")),
        "status": jobs.ENDS_OF_JOBS.get(str(job.get("jobStatus"))),
    }
    return {name: str(value) for name, value in found.items() if value}


def _parents(call: Caller, job: Mapping[str, Any]) -> tuple[Remote, ...]:
    """Return the customer, the address, and the lead that became the job."""
    booking = job.get("bookingId")
    found = (
        people.fetch_customer(call, str(job.get("customerId"))),
        people.fetch_location(call, str(job.get("locationId"))),
        Remote(kind="lead", remote_type=bookings.BOOKING, remote_id=str(booking))
        if booking
        else None,
    )
    return tuple(parent for parent in found if parent)

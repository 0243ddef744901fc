"""Visits that the office there makes: any job with a time, read whole."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

from integrations.connectors.housecallpro import reading
from integrations.connectors.housecallpro.wire import Row, is_gone, read_one
from integrations.connectors.port import Caller
from integrations.rules.refusals import Refused
from integrations.rules.things import Remote


def whole(call: Caller, remote: Remote) -> Remote | None:
    """Read a job with its appointments, and whose it is and where.

    A visit is one stretch of time: of a job with several appointments it is the first,
    because their `scheduled_start` is that one's. Nothing without our invoice numbers:
    then a job of ours that is not linked yet looks just like one of theirs.
    """
    if call.settings.get("invoice_number") == "none":
        return None
    row = read_one(call, f"/jobs/{remote.remote_id}", **{"expand[]": "appointments"})
    times = _times(row) if row else {}
    if row is None or not times:
        return None
    service = _named(row, "job_type") or _first_line(call, row)
    about = {
        "service": service,
        "location": _named(row, "business_unit"),
        "summary": _summary(row, besides=service),
    }
    job = reading.job(row)
    said = {name: value for name, value in about.items() if value}
    return replace(job, fields={**job.fields, **times, **said}, parents=_parents(row))


def _times(row: Row) -> dict[str, str]:
    """Return promise and plan; nothing where the job has no time of its own.

    An end that comes with the beginning says nothing: no window was promised, or
    nobody said how long the work takes.
    """
    schedule = row.get("schedule") or {}
    start = reading.parsed(schedule.get("scheduled_start"))
    spans = sorted(_spans(row))
    is_vague = schedule.get("anytime") or (spans and spans[0].is_anytime)
    if start is None or is_vague or row.get("deleted_at"):
        return {}
    window = timedelta(minutes=int(schedule.get("arrival_window") or 0))
    end = reading.parsed(schedule.get("scheduled_end"))
    if len(spans) > 1:
        # Whether these are of the company's zone is not described: their length counts.
        end = start + (spans[0].end - spans[0].start)
    ends = {"window_ends_at": start + window, "ends_at": end}
    times = {"window_starts_at": start, "starts_at": start} | {
        name: time for name, time in ends.items() if time and time > start
    }
    return {name: reading.moment(time) for name, time in times.items()}


class _Span(NamedTuple):
    """When an appointment is."""

    start: datetime
    end: datetime
    is_anytime: bool


def _spans(row: Row) -> Iterator[_Span]:
    for each in reading.appointments(row):
        start = reading.parsed(each.get("start_time"))
        end = reading.parsed(each.get("end_time"))
        if start and end:
            yield _Span(start, end, is_anytime=bool(each.get("anytime")))


def _named(row: Row, name: str) -> str:
    """Return the id of a job's type or business unit, else its name."""
    fields = row.get("job_fields")
    said = fields.get(name) if isinstance(fields, Mapping) else None
    if not isinstance(said, Mapping):
        return ""
    return str(said.get("id") or said.get("name") or "")


def _first_line(call: Caller, row: Row) -> str:
    """Return the name of the bill's first line, else how the job is described."""
    try:
        said = call("GET", f"/jobs/{row['id']}/line_items").json
    except Refused as refusal:
        if not is_gone(refusal):
            raise
        said = None
    lines = said.get("data") if isinstance(said, Mapping) else None
    names = [str(line.get("name") or "") for line in lines or []]
    return next(filter(None, names), _description(row))


def _summary(row: Row, *, besides: str) -> str:
    """Return what a job is about and what was noted of it, each once."""
    texts = [_description(row), *(note.strip() for note in reading.notes(row))]
    said = dict.fromkeys(text for text in texts if text and text != besides)
    return "\n".join(said)


def _description(row: Row) -> str:
    return str(row.get("description") or "").strip()


def _parents(row: Row) -> tuple[Remote, ...]:
    """Return customer and address: both stand in the job.

    Who has no mobile phone is reached by another: a new customer here has to be.
    """
    customer, address = row.get("customer") or {}, row.get("address") or {}
    phones = map(customer.get, ("mobile_number", "home_number", "work_number"))
    customer = {**customer, "mobile_number": next(filter(None, phones), "")}
    readers = ((reading.customer, customer), (reading.address, address))
    return tuple(reader(said) for reader, said in readers if said.get("id"))

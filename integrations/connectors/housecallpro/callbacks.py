"""What Housecall Pro tells us by itself.

`{event, event_occurred_at, company_id, <type>: {record}}`; the record stands under the
part of `event` before its first dot, but for `job.appointment.*` under `appointment`,
which does not say all: then the job is read. A body without `event` is their probe.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from integrations.connectors.housecallpro import reading
from integrations.connectors.housecallpro.wire import Row, read_one
from integrations.connectors.port import Caller
from integrations.rules.things import Inbound, Remote

_READERS = {
    "customer": reading.customer,
    "employee": reading.employee,
    "job": reading.job,
    "lead": reading.lead,
    "pro": reading.employee,
}
_APPOINTMENT = "job.appointment."


def read(call: Caller, event: Inbound) -> list[Remote]:
    """Return what a callback is about. It is signed, so its record is believed."""
    said = json.loads(event.body)
    name = str(said.get("event") or "") if isinstance(said, Mapping) else ""
    kind = name.partition(".")[0]
    if name.startswith(_APPOINTMENT):
        return _job_of(call, said)
    row = said.get(kind) if name else None
    if kind not in _READERS or not isinstance(row, Mapping) or not row.get("id"):
        return []
    remote = _READERS[kind](row)
    is_deleted = name.endswith(".deleted") or remote.is_gone
    return [replace(remote, is_gone=is_deleted)]


def _job_of(call: Caller, said: Mapping[str, Any]) -> list[Remote]:
    job_id = _job_id(said)
    job: Row | None = read_one(call, f"/jobs/{job_id}") if job_id else None
    return [reading.job(job)] if job else []


def _job_id(said: Mapping[str, Any]) -> str:
    """Return the job that an appointment is of, wherever it is named."""
    record = said.get("appointment")
    appointment: Mapping[str, Any] = record if isinstance(record, Mapping) else {}
    for row in (said.get("job"), appointment.get("job")):
        if isinstance(row, Mapping) and row.get("id"):
            return str(row["id"])
    return str(appointment.get("job_id") or "")

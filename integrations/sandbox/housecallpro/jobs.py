"""Housecall Pro's jobs."""

from typing import Any

from integrations.sandbox.housecallpro.books import (
    COMPANY,
    Books,
    Row,
    moment,
    new_id,
    whole,
    written,
)
from integrations.sandbox.housecallpro.call import Call, Caller, Routes
from integrations.sandbox.housecallpro.lines import LINES, read_fields, read_lines
from integrations.sandbox.housecallpro.people import address_of
from integrations.sandbox.housecallpro.refusals import (
    invalid,
    malformed,
    wrong_state,
)
from integrations.sandbox.housecallpro.visits import Visits, check_order

# What the list's filter says, and what a job's own work_status says: two spellings.
SPELLINGS = {
    "unscheduled": {"needs scheduling"},
    "scheduled": {"scheduled"},
    "in_progress": {"in progress"},
    "completed": {"complete rated", "complete unrated"},
    "canceled": {"user canceled", "pro canceled"},
}


class Jobs:
    """Jobs. No call sets a work status, cancels or completes one: people do."""

    def __init__(self, books: Books, visits: Visits) -> None:
        self._books = books
        self._visits = visits
        self.routes: Routes = {
            "POST /jobs": self._add,
            "GET /jobs": self._list,
            "GET /jobs/{}": self._get,
            "PUT /jobs/{}/schedule": self._schedule,
            "DELETE /jobs/{}/schedule": self._unschedule,
            "PUT /jobs/{}/dispatch": self._dispatch,
            "GET /jobs/{}/line_items": self._lines,
            "POST /jobs/{}/notes": self._add_note,
            "POST /jobs/{}/tags": self._add_tag,
        }

    def add(self, *, customer: Row, address: Row, **members: Any) -> Row:
        """Add a job that waits for its time."""
        job = self._books.jobs.add(
            **{
                "customer": customer,
                "address": address,
                "notes": [],
                "work_status": "needs scheduling",
                "work_timestamps": dict.fromkeys(
                    ("on_my_way_at", "started_at", "completed_at")
                ),
                "schedule": self._visits.summary([]),
                "appointments": [],
                "assigned_employees": [],
                "tags": [],
                "lead_source": None,
                "canceled_at": None,
                "deleted_at": None,
                "company_id": COMPANY,
            }
            | {**read_lines({}), **read_fields({})}
            | members
        )
        if not job.get("invoice_number"):
            job["invoice_number"] = self._free_number()
        self._books.tell("job.created", told(job))
        return job

    def _free_number(self) -> str:
        taken = {
            job["invoice_number"] for job in self._books.jobs if "invoice_number" in job
        }
        return next(
            text for text in map(str, self._books.invoices) if text not in taken
        )

    def _add(self, *, call: Call) -> tuple[int, Row]:
        body = call.body()
        missing = [name for name in ("customer_id", "address_id") if not body.get(name)]
        if missing:
            raise invalid(**dict.fromkeys(missing, "can't be blank"))
        customer = self._books.customers.get(body["customer_id"])
        address = address_of(customer, body["address_id"])
        wish = self.read(body)
        return 201, told(self.make(wish, customer=customer, address=address))

    def read(self, body: Row) -> Row:
        """Read what a new job is to be, whoever it is for.

        Raises:
            Refusal: 400, 404 or 422.
        """
        return {
            "members": self._members(body),
            "schedule": _read_schedule(body.get("schedule") or {}),
            "crew": self._visits.crew(body.get("assigned_employee_ids") or []),
        }

    def make(self, wish: Row, *, customer: Row, address: Row) -> Row:
        """Add a job as it was read, with its time if it has one."""
        job = self.add(customer=customer, address=address, **wish["members"])
        job["assigned_employees"] = wish["crew"]
        if wish["schedule"] is not None:
            ids = [each["id"] for each in wish["crew"]]
            job["appointments"].append(self._visits.put(crew=ids, **wish["schedule"]))
            self._visits.settle(job)
            self._books.tell("job.scheduled", told(job))
        return job

    def _members(self, body: Row) -> Row:
        """Read what is simply kept."""
        members: Row = {"tags": [str(tag) for tag in body.get("tags") or []]}
        number = body.get("invoice_number")
        if number is not None:
            text = str(number)
            if not text.isdigit():
                raise malformed("invoice_number")
            if any(job["invoice_number"] == text for job in self._books.jobs):
                raise invalid(invoice_number="has already been taken")
            members["invoice_number"] = text
        if body.get("notes"):
            members["notes"] = [{"id": new_id("nte"), "content": str(body["notes"])}]
        if "lead_source" in body:
            members["lead_source"] = body["lead_source"]
        return members | read_lines(body) | read_fields(body)

    def _list(self, *, call: Call) -> tuple[int, Row]:
        wanted = call.all("work_status")
        if any(status not in SPELLINGS for status in wanted):
            raise malformed("work_status")
        spelled = {each for status in wanted for each in SPELLINGS[status]}
        found = [
            job
            for job in self._books.jobs
            if (not wanted or job["work_status"] in spelled)
            and _is_asked_for(job, call)
        ]
        expand = call.all("expand")
        return 200, call.page(found, name="jobs", shown=lambda job: told(job, expand))

    def _get(self, name: str, *, call: Call) -> tuple[int, Row]:
        return 200, told(self._books.jobs.get(name), call.all("expand"))

    def _schedule(self, name: str, *, call: Call) -> tuple[int, Row]:
        call.refuse(Caller.COMPANY)
        job, body = self._open(name), call.body()
        start, end = moment(body, "start_time"), moment(body, "end_time")
        if start is None:
            raise invalid(start_time="can't be blank")
        if len(job["appointments"]) > 1:
            raise wrong_state("Job has multiple appointments")
        check_order(start, end)
        self._visits.schedule(
            job,
            start=start,
            end=end,
            minutes=whole(body, "arrival_window_in_minutes"),
            crew=_employee_ids(body) if "dispatched_employees" in body else None,
        )
        self._books.tell("job.scheduled", told(job))
        return 200, told(job)

    def _unschedule(self, name: str, *, call: Call) -> tuple[int, Row]:
        call.refuse(Caller.COMPANY)
        job = self._open(name)
        job["appointments"].clear()
        self._visits.settle(job)
        self._books.tell("job.updated", told(job))
        return 200, {"object": "schedule", "deleted": True}

    def _dispatch(self, name: str, *, call: Call) -> tuple[int, Row]:
        call.refuse(Caller.COMPANY)
        job, body = self._open(name), call.body()
        if "dispatched_employees" not in body:
            raise invalid(dispatched_employees="can't be blank")
        crew = self._visits.crew(_employee_ids(body))
        for visit in job["appointments"]:
            visit["dispatched_employees_ids"] = [each["id"] for each in crew]
            self._books.tell("job.appointment.appointment_pros_assigned", visit)
        job["assigned_employees"] = crew
        self._visits.settle(job)
        self._books.tell("job.updated", told(job))
        return 200, told(job)

    def _open(self, name: str) -> Row:
        job = self._books.jobs.get(name)
        self._visits.check_open(job)
        return job

    def _lines(self, name: str, *, call: Call) -> tuple[int, Row]:
        lines = self._books.jobs.get(name)[LINES]
        return 200, {"url": f"/jobs/{name}/line_items", "data": list(lines)}

    def _add_note(self, name: str, *, call: Call) -> tuple[int, Row]:
        job, content = self._books.jobs.get(name), call.body().get("content")
        if not isinstance(content, str) or not content:
            raise invalid(content="can't be blank")
        note = {"id": new_id("nte"), "content": content}
        self._books.jobs.change(job, notes=[*job["notes"], note])
        self._books.tell("job.updated", told(job))
        return 201, note

    def _add_tag(self, name: str, *, call: Call) -> tuple[int, Row]:
        # What the body of this call holds is not published: any of these will do.
        job, body = self._books.jobs.get(name), call.body()
        tag = body.get("name") or body.get("tag") or body.get("tag_id")
        if not isinstance(tag, str):
            raise invalid(name="can't be blank")
        self._books.jobs.change(job, tags=[*job["tags"], tag])
        self._books.tell("job.updated", told(job))
        return 201, {"id": new_id("tag"), "name": tag}

    def stamp(self, job: Row, member: str) -> None:
        """Note when something happened to the work."""
        times = job["work_timestamps"] | {member: written(self._books.clock())}
        self._books.jobs.change(job, work_timestamps=times)


def told(job: Row, expand: list[str] | None = None) -> Row:
    """Return a job as it is told; its appointments only to who asks for them.

    What it is billed for is a list of its own.
    """
    there = list(job["appointments"]) if "appointments" in (expand or ()) else []
    person = {name: it for name, it in job["customer"].items() if name != "addresses"}
    apart = {"appointments", LINES}
    plain = {name: it for name, it in job.items() if name not in apart}
    schedule = job["schedule"] | {"appointments": there}
    return plain | {"customer": person, "schedule": schedule}


def _is_asked_for(job: Row, call: Call) -> bool:
    """Compare with the list's other filters."""
    start = job["schedule"]["scheduled_start"] or ""
    crew = {each["id"] for each in job["assigned_employees"]}
    ids, customer = call.all("employee_ids"), call.first("customer_id")
    limits = {
        name: moment({name: call.first(name) or None}, name)
        for name in ("scheduled_start_min", "scheduled_start_max")
    }
    least, most = limits.values()
    return (
        (not ids or bool(crew & set(ids)))
        and (not customer or job["customer"]["id"] == customer)
        and (least is None or start >= written(least))
        and (most is None or "" < start <= written(most))
    )


def _read_schedule(body: Row) -> Row | None:
    """Read the schedule of a new job; None where it has none yet."""
    start, end = moment(body, "scheduled_start"), moment(body, "scheduled_end")
    if start is None:
        return None
    if end is None:
        raise malformed("scheduled_end")
    check_order(start, end)
    return {"start": start, "end": end, "minutes": whole(body, "arrival_window")}


def _employee_ids(body: Row) -> list[Any]:
    given = body["dispatched_employees"]
    if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
        raise malformed("dispatched_employees")
    return [each.get("employee_id") for each in given]

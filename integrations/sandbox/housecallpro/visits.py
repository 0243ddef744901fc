"""Housecall Pro's appointments: when a job is worked on, and by whom."""

from datetime import datetime
from typing import Any

from integrations.sandbox.housecallpro.books import (
    Books,
    Row,
    moment,
    new_id,
    whole,
    written,
)
from integrations.sandbox.housecallpro.call import Call, Caller, Routes
from integrations.sandbox.housecallpro.refusals import (
    invalid,
    malformed,
    not_found,
    wrong_state,
)

OVER = {"complete rated", "complete unrated", "user canceled", "pro canceled"}
_NEEDED = ("start_time", "end_time", "dispatched_employees_ids")


class Visits:
    """Appointments of jobs, for company keys and OAuth, not for application keys."""

    def __init__(self, books: Books) -> None:
        self._books = books
        one = "/jobs/{}/appointments/{}"
        self.routes: Routes = {
            "GET /jobs/{}/appointments": self._list,
            "POST /jobs/{}/appointments": self._add,
            f"PUT {one}": self._change,
            f"DELETE {one}": self._delete,
        }

    def put(
        self, *, start: datetime, end: datetime, minutes: int, crew: list[Any]
    ) -> Row:
        """Return a new appointment."""
        return {
            "id": new_id("apt"),
            "start_date": start.date().isoformat(),
            "start_time": written(start),
            "end_time": written(end),
            "anytime": False,
            "arrival_window_minutes": minutes,
            "dispatched_employees_ids": [each["id"] for each in self.crew(crew)],
        }

    def move(self, visit: Row, *, start: datetime, end: datetime) -> None:
        """Let an appointment be at another time."""
        visit |= {
            "start_date": start.date().isoformat(),
            "start_time": written(start),
            "end_time": written(end),
        }

    def schedule(
        self,
        job: Row,
        *,
        start: datetime,
        end: datetime | None,
        minutes: int,
        crew: list[Any] | None,
    ) -> None:
        """Let a job with one appointment, or none yet, be at this time."""
        former = job["appointments"][0] if job["appointments"] else None
        kept = former["dispatched_employees_ids"] if former else []
        visit = self.put(
            start=start,
            end=end or start,
            minutes=minutes,
            crew=kept if crew is None else crew,
        )
        if former:
            visit["id"] = former["id"]
        job["appointments"] = [visit]
        self.settle(job)

    def settle(self, job: Row) -> None:
        """Let a job say what its appointments come to."""
        visits = job["appointments"]
        status = job["work_status"]
        if status in {"needs scheduling", "scheduled"}:
            status = "scheduled" if visits else "needs scheduling"
        ids = {
            name: None for visit in visits for name in visit["dispatched_employees_ids"]
        }
        crew = self.crew(list(ids)) if visits else job["assigned_employees"]
        self._books.jobs.change(
            job,
            work_status=status,
            schedule=self.summary(visits),
            assigned_employees=crew,
        )

    def summary(self, visits: list[Row]) -> Row:
        """Return the schedule of a job with these appointments."""
        return {
            "scheduled_start": min(
                (each["start_time"] for each in visits), default=None
            ),
            "scheduled_end": max((each["end_time"] for each in visits), default=None),
            "arrival_window": visits[0]["arrival_window_minutes"] if visits else 0,
        }

    def crew(self, ids: Any) -> list[Row]:
        """Return the employees of these ids.

        Raises:
            Refusal: 400 or 404.
        """
        if not isinstance(ids, list):
            raise malformed("dispatched_employees_ids")
        return [dict(self._books.employees.get(name)) for name in ids]

    def check_open(self, job: Row) -> None:
        """Refuse to touch what is over.

        Raises:
            Refusal: 422.
        """
        if job["work_status"] in OVER:
            raise wrong_state(f"Job is {job['work_status']}")

    def find(self, job: Row, name: str) -> Row:
        """Return an appointment of a job.

        Raises:
            Refusal: 404.
        """
        visits: list[Row] = job["appointments"]
        for visit in visits:
            if visit["id"] == name:
                return visit
        raise not_found("Appointment")

    def _job(self, name: str, call: Call) -> Row:
        call.refuse(Caller.APPLICATION)
        return self._books.jobs.get(name)

    def _list(self, name: str, *, call: Call) -> tuple[int, Row]:
        return 200, {"appointments": list(self._job(name, call)["appointments"])}

    def _add(self, name: str, *, call: Call) -> tuple[int, Row]:
        job = self._job(name, call)
        self.check_open(job)
        visit = self.put(**self._read(call.body()))
        job["appointments"].append(visit)
        self.settle(job)
        self._books.tell("job.appointment.scheduled", visit)
        return 201, visit

    def _change(self, name: str, visit_name: str, *, call: Call) -> tuple[int, Row]:
        job = self._job(name, call)
        visit = self.find(job, visit_name)
        self.check_open(job)
        read = self._read(call.body())
        before = dict(visit)
        visit |= {**self.put(**read), "id": visit["id"]}
        self.settle(job)
        self.tell_changes(before, visit)
        return 200, visit

    def tell_changes(self, before: Row, visit: Row) -> None:
        """Tell what is other now than before."""
        times = ("start_time", "end_time")
        if any(before[name] != visit[name] for name in times):
            self._books.tell("job.appointment.rescheduled", visit)
        old = set(before["dispatched_employees_ids"])
        new = set(visit["dispatched_employees_ids"])
        if new - old:
            self._books.tell("job.appointment.appointment_pros_assigned", visit)
        if old - new:
            self._books.tell("job.appointment.appointment_pros_unassigned", visit)

    def _delete(self, name: str, visit_name: str, *, call: Call) -> tuple[int, Row]:
        job = self._job(name, call)
        visit = self.find(job, visit_name)
        self.check_open(job)
        job["appointments"].remove(visit)
        self.settle(job)
        self._books.tell("job.appointment.appointment_discarded", visit)
        return 200, {"object": "appointment", "deleted": True}

    def _read(self, body: Row) -> Row:
        missing = [name for name in _NEEDED if body.get(name) is None]
        if missing:
            raise invalid(**dict.fromkeys(missing, "can't be blank"))
        start, end = moment(body, "start_time"), moment(body, "end_time")
        check_order(start, end)
        return {
            "start": start,
            "end": end,
            "minutes": whole(body, "arrival_window_minutes"),
            "crew": [
                each["id"] for each in self.crew(body["dispatched_employees_ids"])
            ],
        }


def check_order(start: datetime | None, end: datetime | None) -> None:
    """Refuse an end that is none.

    Raises:
        Refusal: 400.
    """
    if start and end and end <= start:
        raise malformed("end_time")

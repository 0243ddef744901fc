"""ServiceTitan's jobs: work at a location, with its reasons and types."""

from typing import Any

from integrations.sandbox.servicetitan import shapes
from integrations.sandbox.servicetitan.books import Books, Row
from integrations.sandbox.servicetitan.call import Call, Routes
from integrations.sandbox.servicetitan.lists import among, equals, page_of, told
from integrations.sandbox.servicetitan.people import attach, guid_of
from integrations.sandbox.servicetitan.problems import Problem, invalid
from integrations.sandbox.servicetitan.reading import plain
from integrations.sandbox.servicetitan.visits import Visits
from integrations.sandbox.servicetitan.wishes import known

CLOSED = {"Completed", "Canceled"}


class Jobs:
    """Jobs hold their appointments' summary; each appointment is a visit."""

    def __init__(self, books: Books, visits: Visits) -> None:
        self._books = books
        self._visits = visits
        self.routes: Routes = {
            "POST /jpm/jobs": self._add,
            "GET /jpm/jobs": self._list,
            "GET /jpm/jobs/{}": self._get,
            "PATCH /jpm/jobs/{}": self._change,
            "PUT /jpm/jobs/{}/cancel": self._cancel,
            "PUT /jpm/jobs/{}/remove-cancellation": self._reopen,
            "PUT /jpm/jobs/{}/complete": self._complete,
            "POST /jpm/jobs/{}/notes": self._add_note,
        }

    def _add(self, *, call: Call) -> Row:
        body = call.read(shapes.JOB)
        return self.view(self.add(body), guid_of(body.get("externalData")))

    def add(self, body: Row) -> Row:
        """Add a job with its appointments.

        Raises:
            Problem: 400.
        """
        times = [shapes.TIMES.read(each) for each in body["appointments"]]
        known(self._books, body)
        if not times:
            raise invalid(appointments="At least one appointment is required.")
        location = self._books.locations.get(body["locationId"])
        if location["customerId"] != body["customerId"]:
            raise invalid(locationId="The location is another customer's.")
        for each in times:
            self._visits.check(each)
        apart = {"appointments", "externalData"}
        job = self._books.jobs.add(
            **{"jobStatus": "Scheduled", "completedOn": None, "summary": ""}
            | {"tagTypeIds": [], "customFields": [], "bookingId": None}
            | {name: value for name, value in body.items() if name not in apart}
        )
        job["jobNumber"] = str(job["id"])
        attach(job, body.get("externalData"))
        self._books.tell("job.created", job)
        for each in times:
            self._visits.add(job, each)
        return job

    def view(self, job: Row, params: Any) -> Row:
        """Return a job as it is told, with what its appointments come to."""
        ids = [row["id"] for row in self._visits.of_job(job)]
        return told(job, params) | {
            "appointmentCount": len(ids),
            "firstAppointmentId": min(ids, default=None),
            "lastAppointmentId": max(ids, default=None),
        }

    def _list(self, *, call: Call) -> Any:
        filters = {
            "customerId": equals("customerId"),
            "locationId": equals("locationId"),
            "jobStatus": among("jobStatus"),
            "number": equals("jobNumber"),
            "bookingId": equals("bookingId"),
        }
        page = page_of(self._books.jobs, call.params, filters=filters)
        jobs = [self._books.jobs.get(row["id"]) for row in page["data"]]
        return page | {"data": [self.view(job, call.params) for job in jobs]}

    def _get(self, number: str, *, call: Call) -> Row:
        return self.view(self._books.jobs.get(number), call.params)

    def _change(self, number: str, *, call: Call) -> Row:
        job = self._books.jobs.get(number)
        body = call.read(shapes.JOB_CHANGE)
        known(self._books, body)
        external = body.pop("externalData", None)
        attach(job, external)
        self._books.jobs.change(job, **body)
        self._books.tell("job.updated", job)
        return self.view(job, guid_of(external))

    def _cancel(self, number: str, *, call: Call) -> None:
        job = self._books.jobs.get(number)
        body = call.read(shapes.REASON)
        if not self._books.cancel_reasons.has(body["reasonId"]):
            raise invalid(reasonId=f"{body['reasonId']} is not known.")
        self.cancel(job, **body)

    def cancel(self, job: Row, *, reasonId: int, memo: str) -> None:  # noqa: N803  # theirs
        """Cancel a job and its appointments.

        Raises:
            Problem: 409, once somebody works on it or it is over.
        """
        if job["jobStatus"] in {*CLOSED, "InProgress"}:
            raise Problem(409, f"A job that is {job['jobStatus']} cannot be canceled.")
        self._books.jobs.change(
            job, jobStatus="Canceled", cancelReasonId=reasonId, cancelMemo=memo
        )
        for visit in self._visits.of_job(job):
            self._visits.set_status(visit, "Canceled")
        self._books.tell("job.canceled", job)

    def _reopen(self, number: str, *, call: Call) -> None:
        job = self._books.jobs.get(number)
        if job["jobStatus"] != "Canceled":
            raise Problem(409, "The job is not canceled.")
        self._books.jobs.change(job, jobStatus="Scheduled", cancelReasonId=None)
        for visit in self._visits.of_job(job):
            self._visits.set_status(visit, "Scheduled")
        self._books.tell("job.updated", job)

    def _complete(self, number: str, *, call: Call) -> None:
        job = self._books.jobs.get(number)
        body = call.read(shapes.COMPLETION)
        if job["jobStatus"] in CLOSED:
            raise Problem(409, f"The job is {job['jobStatus']} already.")
        for visit in self._visits.of_job(job):
            self._visits.set_status(visit, "Done")
        self.completed(job, on=plain(body["completedOn"]))

    def completed(self, job: Row, *, on: str | None) -> None:
        """Let a job be complete."""
        self._books.jobs.change(job, jobStatus="Completed", completedOn=on)
        self._books.tell("job.completed", job)

    def _add_note(self, number: str, *, call: Call) -> Row:
        job = self._books.jobs.get(number)
        note = call.read(shapes.NOTE)
        self._books.jobs.change(job, notes=[*job.get("notes", []), note])
        return note

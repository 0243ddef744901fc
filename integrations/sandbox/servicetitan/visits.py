"""ServiceTitan's appointments, and who is assigned to them."""

from typing import Any

from integrations.sandbox.servicetitan import shapes
from integrations.sandbox.servicetitan.books import Books, Row, shown
from integrations.sandbox.servicetitan.call import Call, Routes
from integrations.sandbox.servicetitan.lists import (
    before,
    equals,
    not_before,
    page_of,
)
from integrations.sandbox.servicetitan.problems import Problem, invalid, missing
from integrations.sandbox.servicetitan.reading import plain, written

OVER = {"Done", "Canceled"}
OPEN = {"Scheduled", "Dispatched"}
TIMES = ("start", "end", "arrivalWindowStart", "arrivalWindowEnd")


class Visits:
    """Appointments. No call sets one to Dispatched or Working: people do."""

    def __init__(self, books: Books) -> None:
        self._books = books
        one = "/jpm/appointments/{}"
        self.routes: Routes = {
            "POST /jpm/appointments": self._add,
            "GET /jpm/appointments": self._list,
            f"GET {one}": self._get,
            f"DELETE {one}": self._delete,
            f"PATCH {one}/reschedule": self._reschedule,
            f"PUT {one}/confirmation": self._confirm,
            f"DELETE {one}/confirmation": self._unconfirm,
            f"PUT {one}/hold": self._hold,
            f"DELETE {one}/hold": self._release,
            "GET /dispatch/appointment-assignments": self._list_assignments,
            "POST /dispatch/appointment-assignments/assign-technicians": self._assign,
            "POST /dispatch/appointment-assignments/unassign-technicians": (
                self._unassign
            ),
        }

    def of_job(self, job: Row) -> list[Row]:
        """Return the appointments of a job that were not deleted."""
        rows = self._books.appointments.of(jobId=job["id"])
        return [row for row in rows if row["active"]]

    def check(self, times: Row) -> None:
        """Check what is to become an appointment.

        Raises:
            Problem: 400.
        """
        _check_order(times)
        for number in times.get("technicianIds", []):
            if not self._books.technicians.has(number):
                raise invalid(technicianIds=f"{number} is not known.")

    def add(self, job: Row, times: Row) -> Row:
        """Add an appointment to a job, and assign who is named."""
        visit = self._books.appointments.add(
            jobId=job["id"],
            appointmentNumber=f"{job['jobNumber']}-{len(self.of_job(job)) + 1}",
            **{name: plain(times.get(name)) for name in TIMES},
            status="Scheduled",
            specialInstructions=times.get("specialInstructions"),
            customerId=job["customerId"],
            unused=False,
            isConfirmed=False,
        )
        self._books.tell("appointment.created", visit)
        for number in times.get("technicianIds", []):
            self.assign(visit, number)
        return visit

    def set_status(self, visit: Row, status: str) -> None:
        """Let an appointment, and who is assigned to it, be in another state."""
        self._books.appointments.change(visit, status=status)
        if status in {"Scheduled", "Dispatched", "Working", "Done"}:
            for row in self.crew_of(visit):
                self._books.assignments.change(row, status=status)
        self._books.tell("appointment.updated", visit)

    def crew_of(self, visit: Row) -> list[Row]:
        """Return the active assignments of an appointment."""
        rows = self._books.assignments.of(appointmentId=visit["id"])
        return [row for row in rows if row["active"]]

    def _add(self, *, call: Call) -> Row:
        body = call.read(shapes.APPOINTMENT)
        if not self._books.jobs.has(body["jobId"]):
            raise invalid(jobId=f"{body['jobId']} is not known.")
        job = self._books.jobs.get(body["jobId"])
        self.check(body)
        if job["jobStatus"] in {"Completed", "Canceled"}:
            raise Problem(409, f"The job is {job['jobStatus']}.")
        visit = self.add(job, body)
        self._books.jobs.change(job)
        return shown(visit)

    def _list(self, *, call: Call) -> Any:
        filters = {
            "jobId": equals("jobId"),
            "status": equals("status"),
            "startsOnOrAfter": not_before("start"),
            "startsBefore": before("start"),
            "technicianId": self._is_of,
        }
        return page_of(self._books.appointments, call.params, filters=filters)

    def _is_of(self, visit: Row, technician: str) -> bool:
        return any(
            str(row["technicianId"]) == technician for row in self.crew_of(visit)
        )

    def visit(self, number: str) -> Row:
        """Return an appointment that was not deleted.

        Raises:
            Problem: 404.
        """
        visit = self._books.appointments.get(number)
        if not visit["active"]:
            raise missing("Appointment", number)
        return visit

    def _get(self, number: str, *, call: Call) -> Row:
        return shown(self.visit(number))

    def _delete(self, number: str, *, call: Call) -> None:
        visit = self.visit(number)
        job = self._books.jobs.get(visit["jobId"])
        if len(self.of_job(job)) == 1:
            raise Problem(409, "The only appointment of a job cannot be deleted.")
        _refuse(visit, {"Working", "Done"}, "deleted")
        self._books.appointments.change(visit, active=False)
        self._books.jobs.change(job)
        self._books.tell("appointment.deleted", visit)

    def _reschedule(self, number: str, *, call: Call) -> Row:
        visit = self.visit(number)
        self.move(visit, call.read(shapes.RESCHEDULE))
        return shown(visit)

    def move(self, visit: Row, times: Row) -> None:
        """Let an appointment be at another time.

        Raises:
            Problem: 400 or 409.
        """
        sent = {name: plain(times[name]) for name in TIMES if name in times}
        _check_order({**visit, **sent})
        _refuse(visit, {"Working", *OVER}, "rescheduled")
        self._books.appointments.change(visit, **sent)
        self._books.tell("appointment.rescheduled", visit)

    def _confirm(self, number: str, *, call: Call) -> None:
        visit = self.visit(number)
        _refuse(visit, {"Working", "Hold", *OVER}, "confirmed")
        if visit["isConfirmed"]:
            raise Problem(409, "The appointment is confirmed already.")
        self._books.appointments.change(visit, isConfirmed=True)
        self._books.tell("appointment.updated", visit)

    def _unconfirm(self, number: str, *, call: Call) -> None:
        visit = self.visit(number)
        if not visit["isConfirmed"]:
            raise Problem(409, "The appointment is not confirmed.")
        self._books.appointments.change(visit, isConfirmed=False)
        self._books.tell("appointment.updated", visit)

    def _hold(self, number: str, *, call: Call) -> None:
        visit = self.visit(number)
        body = call.read(shapes.REASON)
        if not self._books.hold_reasons.has(body["reasonId"]):
            raise invalid(reasonId=f"{body['reasonId']} is not known.")
        _refuse(visit, {"Working", "Hold", *OVER}, "put on hold")
        self.set_status(visit, "Hold")

    def _release(self, number: str, *, call: Call) -> None:
        visit = self.visit(number)
        if visit["status"] != "Hold":
            raise Problem(409, "The appointment is not on hold.")
        self.set_status(visit, "Scheduled")

    def _list_assignments(self, *, call: Call) -> Any:
        filters = {"jobId": equals("jobId"), "appointmentIds": _of_appointments}
        return page_of(self._books.assignments, call.params, filters=filters)

    def _assign(self, *, call: Call) -> None:
        visit, numbers = self._crew(call)
        for number in numbers:
            self.assign(visit, number)

    def _unassign(self, *, call: Call) -> None:
        visit, numbers = self._crew(call)
        for number in numbers:
            self.unassign(visit, number)

    def _crew(self, call: Call) -> tuple[Row, list[int]]:
        body = call.read(shapes.CREW)
        visit = self.visit(str(body["jobAppointmentId"]))
        for number in body["technicianIds"]:
            if not self._books.technicians.has(number):
                raise invalid(technicianIds=f"{number} is not known.")
        _refuse(visit, OVER, "assigned")
        return visit, body["technicianIds"]

    def assign(self, visit: Row, number: int) -> None:
        """Assign a technician; to assign one twice changes nothing."""
        if any(row["technicianId"] == number for row in self.crew_of(visit)):
            return
        technician = self._books.technicians.get(number)
        self._books.assignments.add(
            technicianId=number,
            technicianName=technician["name"],
            jobId=visit["jobId"],
            appointmentId=visit["id"],
            status=visit["status"] if visit["status"] in OPEN else "Scheduled",
            assignedOn=written(self._books.clock()),
            isPaused=False,
        )
        self._books.tell("appointment.assigned", visit)

    def unassign(self, visit: Row, number: int) -> None:
        """Take a technician off an appointment."""
        for row in self.crew_of(visit):
            if row["technicianId"] == number:
                self._books.assignments.change(row, active=False)
                self._books.tell("appointment.unassigned", visit)


def _of_appointments(row: Row, wanted: str) -> bool:
    return str(row["appointmentId"]) in wanted.split(",")


def _check_order(times: Row) -> None:
    """Refuse times whose end is no end."""
    pairs = [("start", "end"), ("arrivalWindowStart", "arrivalWindowEnd")]
    for begin, end in pairs:
        first, last = plain(times.get(begin)), plain(times.get(end))
        if first and last and first >= last:
            raise invalid(**{end: f"{end} must be after {begin}."})


def _refuse(visit: Row, states: set[str], what: str) -> None:
    """Refuse with a conflict in any of these states."""
    if visit["status"] in states:
        raise Problem(
            409, f"An appointment that is {visit['status']} cannot be {what}."
        )

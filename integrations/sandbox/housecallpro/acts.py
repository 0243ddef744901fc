"""What people do in Housecall Pro's own apps."""

from collections.abc import Callable
from typing import Any

from integrations.sandbox.housecallpro.books import Books, Row, moment, written
from integrations.sandbox.housecallpro.jobs import Jobs, told
from integrations.sandbox.housecallpro.people import read_customer
from integrations.sandbox.housecallpro.visits import Visits, check_order


class Acts:
    """The office and the technicians at work; each change counts as a person's."""

    def __init__(self, books: Books, visits: Visits, jobs: Jobs) -> None:
        self._books = books
        self._visits = visits
        self._jobs = jobs
        self.all: dict[str, Callable[..., None]] = {
            "move": self.move,
            "assign": self.assign,
            "unassign": self.unassign,
            "on_my_way": self.on_my_way,
            "start": self.start,
            "finish": self.finish,
            "cancel": self.cancel,
            "delete": self.delete,
            "edit_customer": self.edit_customer,
            "lose_lead": self.lose_lead,
            "add_employee": self.add_employee,
        }

    def move(self, job: str, start: str, end: str, appointment: str = "") -> None:
        """Somebody drags a visit on the calendar."""
        row, visit = self._visit(job, appointment)
        times = {"start": start, "end": end}
        begins, ends = moment(times, "start"), moment(times, "end")
        check_order(begins, ends)
        if begins is None or ends is None:
            raise ValueError("move takes a start and an end.")
        before = dict(visit)
        self._visits.move(visit, start=begins, end=ends)
        self._visits.settle(row)
        self._visits.tell_changes(before, visit)

    def assign(self, job: str, employee: str, appointment: str = "") -> None:
        """Somebody sends an employee along."""
        row, visit = self._visit(job, appointment)
        who = self._books.employees.get(employee)["id"]
        self._recrew(row, visit, [*visit["dispatched_employees_ids"], who])

    def unassign(self, job: str, employee: str, appointment: str = "") -> None:
        """Somebody takes an employee off."""
        row, visit = self._visit(job, appointment)
        crew = visit["dispatched_employees_ids"]
        self._recrew(row, visit, [name for name in crew if name != employee])

    def _recrew(self, job: Row, visit: Row, crew: list[str]) -> None:
        before = dict(visit)
        visit["dispatched_employees_ids"] = crew
        self._visits.settle(job)
        self._visits.tell_changes(before, visit)

    def on_my_way(self, job: str) -> None:
        """A technician sets out."""
        row = self._books.jobs.get(job)
        self._jobs.stamp(row, "on_my_way_at")
        self._books.tell("job.on_my_way", told(row))

    def start(self, job: str) -> None:
        """A technician begins to work."""
        self._step(job, "in progress", "started_at", "job.started")

    def finish(self, job: str) -> None:
        """A technician has finished."""
        self._step(job, "complete unrated", "completed_at", "job.completed")

    def _step(self, job: str, status: str, stamp: str, event: str) -> None:
        row = self._books.jobs.get(job)
        self._visits.check_open(row)
        row["work_status"] = status
        self._jobs.stamp(row, stamp)
        self._books.tell(event, told(row))

    def cancel(self, job: str, by: str = "pro") -> None:
        """A `pro` of the company or the `user`, the customer, cancels."""
        if by not in {"pro", "user"}:
            raise ValueError("Canceled by pro or user.")
        row = self._books.jobs.get(job)
        self._visits.check_open(row)
        now = written(self._books.clock())
        self._books.jobs.change(row, work_status=f"{by} canceled", canceled_at=now)
        self._books.tell("job.canceled", told(row))

    def delete(self, job: str) -> None:
        """Somebody deletes a job: it is in no list any more."""
        row = self._books.jobs.get(job)
        row["deleted_at"] = written(self._books.clock())
        self._books.jobs.remove(row)
        self._books.tell("job.deleted", told(row))

    def edit_customer(self, customer: str, **members: Any) -> None:
        """Somebody corrects a name, a phone or an e-mail address."""
        row = self._books.customers.get(customer)
        read = read_customer(members)
        if set(members) - set(read):
            raise ValueError(f"A customer has no {set(members) - set(read)}.")
        self._books.customers.change(row, **read)
        self._books.tell("customer.updated", row)

    def lose_lead(self, lead: str) -> None:
        """Somebody gives a lead up."""
        row = self._books.leads.get(lead)
        now = written(self._books.clock())
        self._books.leads.change(row, status="lost", lost_at=now)
        self._books.tell("lead.lost", row)

    def add_employee(self, first_name: str, last_name: str, email: str) -> None:
        """Somebody new is hired."""
        row = self._books.hire(first_name, last_name, email)
        self._books.tell("employee.created", row)

    def _visit(self, job: str, appointment: str) -> tuple[Row, Row]:
        """Return a job and its appointment, the first unless it is named."""
        row = self._books.jobs.get(job)
        if not row["appointments"]:
            raise ValueError("The job has no appointment.")
        first = row["appointments"][0]["id"]
        return row, self._visits.find(row, appointment or first)

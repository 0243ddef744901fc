"""What people do in ServiceTitan's own apps."""

from collections.abc import Callable
from typing import Any

from integrations.sandbox.servicetitan.books import Books, Row
from integrations.sandbox.servicetitan.jobs import Jobs
from integrations.sandbox.servicetitan.reading import is_moment, written
from integrations.sandbox.servicetitan.visits import TIMES, Visits


class Acts:
    """Dispatchers and technicians at work; each change counts as a person's."""

    def __init__(self, books: Books, visits: Visits, jobs: Jobs) -> None:
        self._books = books
        self._visits = visits
        self._jobs = jobs
        self.all: dict[str, Callable[..., None]] = {
            "move": self.move,
            "assign": self.assign,
            "unassign": self.unassign,
            "dispatch": self.dispatch,
            "work": self.work,
            "finish": self.finish,
            "cancel": self.cancel,
            "edit_customer": self.edit_customer,
            "add_technician": self.add_technician,
        }

    def move(self, appointment: int, **times: str) -> None:
        """A dispatcher drags an appointment: start, end and the arrival window."""
        wrong = [name for name in times if name not in TIMES]
        if wrong or not all(map(is_moment, times.values())):
            raise ValueError(f"move takes {', '.join(TIMES)}, each with an offset.")
        self._visits.move(self._visits.visit(str(appointment)), times)

    def assign(self, appointment: int, technician: int) -> None:
        """A dispatcher assigns somebody."""
        self._visits.assign(self._visits.visit(str(appointment)), technician)

    def unassign(self, appointment: int, technician: int) -> None:
        """A dispatcher takes somebody off."""
        self._visits.unassign(self._visits.visit(str(appointment)), technician)

    def dispatch(self, appointment: int) -> None:
        """A dispatcher sends the crew."""
        self._visits.set_status(self._visits.visit(str(appointment)), "Dispatched")

    def work(self, appointment: int) -> None:
        """A technician has arrived and works."""
        visit = self._visits.visit(str(appointment))
        self._visits.set_status(visit, "Working")
        job = self._books.jobs.get(visit["jobId"])
        self._books.jobs.change(job, jobStatus="InProgress")
        self._books.tell("job.updated", job)

    def finish(self, appointment: int) -> None:
        """A technician is done; with the last appointment the job is complete."""
        visit = self._visits.visit(str(appointment))
        self._visits.set_status(visit, "Done")
        job = self._books.jobs.get(visit["jobId"])
        if all(each["status"] == "Done" for each in self._visits.of_job(job)):
            self._jobs.completed(job, on=written(self._books.clock()))

    def cancel(self, job: int, reason: int | None = None, memo: str = "") -> None:
        """Somebody in the office cancels a job."""
        known = reason or next(iter(self._books.cancel_reasons))["id"]
        self._jobs.cancel(self._books.jobs.get(job), reasonId=known, memo=memo)

    def edit_customer(self, customer: int, **members: Any) -> None:
        """Somebody corrects a name, a phone or an e-mail address."""
        row = self._books.customers.get(customer)
        for member, kind in (("phone", "MobilePhone"), ("email", "Email")):
            if member in members:
                self._set_contact(row, kind, members.pop(member))
        if set(members) - {"name", "type", "doNotService"}:
            raise ValueError(
                "edit_customer takes name, type, doNotService, phone, email."
            )
        self._books.customers.change(row, **members)
        self._books.tell("customer.updated", row)

    def _set_contact(self, customer: Row, kind: str, value: str) -> None:
        for row in self._books.contacts.of(customerId=customer["id"]):
            if row["type"] == kind:
                self._books.contacts.change(row, value=value)
                return
        self._books.contacts.add(customerId=customer["id"], type=kind, value=value)

    def add_technician(self, name: str, email: str) -> None:
        """Somebody new is hired."""
        unit = next(iter(self._books.business_units))["id"]
        row = self._books.technicians.add(
            name=name,
            email=email,
            phoneNumber="",
            businessUnitId=unit,
            userId=self._books.next_id(),
            mainZoneId=None,
            zoneIds=[],
        )
        self._books.tell("technician.created", row)

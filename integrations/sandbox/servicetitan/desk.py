"""What call takers do in ServiceTitan: they book whom they have on the phone."""

from collections.abc import Callable
from typing import Any

from integrations.sandbox.servicetitan.books import Books, Row
from integrations.sandbox.servicetitan.jobs import Jobs
from integrations.sandbox.servicetitan.people import People
from integrations.sandbox.servicetitan.reading import is_moment
from integrations.sandbox.servicetitan.visits import Visits
from integrations.sandbox.servicetitan.wishes import known


class Desk:
    """Call takers at work; no application has a part in what they make."""

    def __init__(
        self, books: Books, *, people: People, visits: Visits, jobs: Jobs
    ) -> None:
        self._books = books
        self._people = people
        self._visits = visits
        self._jobs = jobs
        self.all: dict[str, Callable[..., None]] = {
            "book": self.book,
            "add_appointment": self.add_appointment,
            "convert_booking": self.convert_booking,
            "dismiss_booking": self.dismiss_booking,
        }

    def book(
        self,
        name: str,
        phone: str,
        start: str,
        end: str,
        technician: int | None = None,
        job_type: int | None = None,
        **more: str,
    ) -> None:
        """A call taker makes a customer, their location and a job.

        There may be more: street, zip, email, summary.
        """
        if set(more) - {"street", "zip", "email", "summary"}:
            raise ValueError("book takes street, zip, email and summary besides.")
        contacts = {"MobilePhone": phone, "Email": more.get("email")}
        person = {
            "name": name,
            "address": _address(**more),
            "contacts": [
                {"type": kind, "value": value}
                for kind, value in contacts.items()
                if value
            ],
        }
        visit = _times(start, end, technician)
        self._take(person, visit, jobTypeId=job_type, summary=more.get("summary"))

    def add_appointment(
        self, job: int, start: str, end: str, technician: int | None = None
    ) -> None:
        """Somebody in the office plans another day for a job."""
        times = _times(start, end, technician)
        self._visits.check(times)
        row = self._books.jobs.get(job)
        self._visits.add(row, times)
        self._books.jobs.change(row)

    def convert_booking(self, booking: int, start: str, end: str) -> None:
        """A call taker makes a customer and a job of a booking."""
        row = self._books.bookings.get(booking)
        wish = ("businessUnitId", "jobTypeId", "campaignId", "priority", "summary")
        person = {
            "name": row["name"],
            "type": row.get("customerType", "Residential"),
            "address": row.get("address") or _address(),
            "contacts": row.get("contacts", []),
        }
        job = self._take(
            person,
            _times(start, end, None),
            bookingId=row["id"],
            **{name: row.get(name) for name in wish},
        )
        self._books.bookings.change(row, status="Converted", jobId=job["id"])
        self._books.tell("booking.updated", row)

    def dismiss_booking(self, booking: int) -> None:
        """A call taker finds that a booking comes to nothing."""
        row = self._books.bookings.get(booking)
        self._books.bookings.change(row, status="Dismissed")
        self._books.tell("booking.updated", row)

    def _take(self, person: Row, visit: Row, **said: Any) -> Row:
        """Write down who calls, where that is, and what is to be done there."""
        first = {
            "businessUnitId": self._books.business_units,
            "jobTypeId": self._books.job_types,
            "campaignId": self._books.campaigns,
        }
        usual: Row = {name: next(iter(table))["id"] for name, table in first.items()}
        told = {name: value for name, value in said.items() if value is not None}
        work = {"priority": "Normal", **usual, **told, "appointments": [visit]}
        known(self._books, work)
        self._visits.check(visit)
        place = {"name": person["name"], "address": person["address"]}
        customer, [location] = self._people.add(person | {"locations": [place]})
        whose = {"customerId": customer["id"], "locationId": location["id"]}
        return self._jobs.add(work | whose)


def _address(**said: str) -> Row:
    """Return an address as they keep it; what nobody said is that of a house here."""
    place = {"street": "4001 N 24th St", "city": "Phoenix", "zip": "85016"}
    place |= {name: said[name] for name in place if said.get(name)}
    return {**place, "state": "AZ", "country": "USA"}


def _times(start: str, end: str, technician: int | None) -> Row:
    """Return an appointment as it is asked for.

    Raises:
        ValueError: these are no times.
    """
    if not (is_moment(start) and is_moment(end)):
        raise ValueError("start and end are times with an offset.")
    crew = [technician] if technician else []
    return {"start": start, "end": end, "technicianIds": crew}

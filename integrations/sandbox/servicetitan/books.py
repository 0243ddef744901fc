"""What ServiceTitan keeps of one tenant: tables of rows, and what has changed."""

import itertools
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from integrations.sandbox.faults import Faults
from integrations.sandbox.servicetitan.problems import missing
from integrations.sandbox.servicetitan.reading import written

Row = dict[str, Any]

# What stands in a row for us and is told to nobody.
VERSION = "_version"
CHANGED_AT = "_changed_at"
EXTERNAL = "_external"
BEHIND = "_"
FIRST_ID = 41_000_001


class Table:
    """Rows of one kind, by id."""

    def __init__(
        self,
        books: "Books",
        title: str,
        *,
        by: tuple[str, ...] = (),
        has_external: bool = False,
    ) -> None:
        self._books = books
        self._title = title
        self._has_external = has_external
        self._rows: dict[int, Row] = {}
        self._by: dict[str, dict[Any, list[Row]]] = {member: {} for member in by}

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows.values())

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, **members: Any) -> Row:
        """Add a row."""
        number = self._books.next_id()
        row: Row = {"id": number, "active": True} | members
        if self._has_external:
            row[EXTERNAL] = {}
        now = self._books.clock()
        row["createdOn"] = row["modifiedOn"] = written(now)
        self._rows[number] = row
        for member, index in self._by.items():
            index.setdefault(row.get(member), []).append(row)
        self._stamp(row, now)
        return row

    def change(self, row: Row, **members: Any) -> Row:
        """Change a row. Where the vendor forgets, no time of change moves."""
        row |= members
        if not self._books.forgets():
            now = self._books.clock()
            row["modifiedOn"] = written(now)
            self._stamp(row, now)
        return row

    def get(self, number: Any) -> Row:
        """Return a row.

        Raises:
            Problem: 404.
        """
        row = self._rows.get(int(number)) if str(number).isdigit() else None
        if row is None:
            raise missing(self._title, number)
        return row

    def remove(self, row: Row) -> None:
        """Forget a row."""
        del self._rows[row["id"]]
        for member, index in self._by.items():
            index[row.get(member)].remove(row)

    def of(self, **owner: int) -> list[Row]:
        """Return the rows of an owner, which never changes."""
        [(member, number)] = owner.items()
        return list(self._by[member].get(number, ()))

    def has(self, number: Any) -> bool:
        """Tell whether there is such a row."""
        return number in self._rows

    def as_json(self) -> list[Row]:
        """Return all rows, as the world may see them."""
        return [shown(row) for row in self]

    def _stamp(self, row: Row, now: datetime) -> None:
        row[VERSION] = next(self._books.versions)
        row[CHANGED_AT] = now


class Books:
    """All tables of a tenant."""

    def __init__(self, *, clock: Callable[[], datetime], faults: Faults) -> None:
        self.clock = clock
        self.faults = faults
        self.versions = itertools.count(1)
        self.notices: list[tuple[str, Row]] = []
        self.acting = False
        self._ids = itertools.count(FIRST_ID)
        self.bookings = Table(self, "Booking")
        self.leads = Table(self, "Lead")
        self.customers = Table(self, "Customer", has_external=True)
        self.locations = Table(self, "Location", has_external=True)
        self.contacts = Table(self, "Contact", by=("customerId", "locationId"))
        self.jobs = Table(self, "Job", has_external=True)
        self.appointments = Table(self, "Appointment", by=("jobId",))
        self.assignments = Table(self, "Assignment", by=("appointmentId",))
        self.technicians = Table(self, "Technician")
        self.business_units = Table(self, "Business unit")
        self.job_types = Table(self, "Job type")
        self.campaigns = Table(self, "Campaign")
        self.cancel_reasons = Table(self, "Job cancel reason")
        self.hold_reasons = Table(self, "Job hold reason")
        _furnish(self)

    def next_id(self) -> int:
        """Return an id that nothing has yet; all kinds share the numbers."""
        return next(self._ids)

    def forgets(self) -> bool:
        """Tell whether this change moves no time: only people's changes may."""
        return self.acting and self.faults.forgets()

    def tell(self, event: str, row: Row) -> None:
        """Note something that the webhooks are to tell."""
        self.notices.append((event, shown(row)))

    def tables(self) -> dict[str, Table]:
        """Return the tables by name."""
        return {
            name: kept for name, kept in vars(self).items() if isinstance(kept, Table)
        }


def shown(row: Row) -> Row:
    """Return a copy of what the world may see of a row."""
    return {name: value for name, value in row.items() if not name.startswith(BEHIND)}


def _furnish(books: Books) -> None:
    """Give a new tenant what every one has."""
    for name in ("HVAC Service", "HVAC Install"):
        books.business_units.add(name=name, officialName=name)
    unit = next(iter(books.business_units))["id"]
    for name in ("AC Tune-Up", "AC Repair", "Furnace Repair", "Estimate"):
        books.job_types.add(name=name, duration=3600, businessUnitIds=[unit])
    for name in ("Website", "Referral"):
        books.campaigns.add(name=name)
    for name in ("Customer cancelled", "No show", "Duplicate"):
        books.cancel_reasons.add(name=name)
    for name in ("Waiting for parts", "Waiting for customer"):
        books.hold_reasons.add(name=name)
    for name, email in (("Ana Ortiz", "ana@shop.test"), ("Ben Cole", "ben@shop.test")):
        books.technicians.add(
            name=name,
            email=email,
            phoneNumber="6025550100",
            businessUnitId=unit,
            userId=books.next_id(),
            mainZoneId=None,
            zoneIds=[],
        )

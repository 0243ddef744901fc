"""What Housecall Pro keeps of one company."""

import itertools
from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from integrations.sandbox.faults import Faults
from integrations.sandbox.housecallpro.refusals import malformed, not_found

Row = dict[str, Any]

COMPANY = "233b75f9-0000-4000-8000-000000000000"
FIRST_INVOICE = 1


class Table:
    """Rows of one kind, by ids such as cus_..., each with its times of change."""

    def __init__(self, books: "Books", prefix: str, title: str) -> None:
        self._books = books
        self._prefix = prefix
        self._title = title
        self._rows: dict[str, Row] = {}

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows.values())

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, **members: Any) -> Row:
        """Add a row."""
        now = written(self._books.clock())
        row = {"id": f"{self._prefix}_{uuid4().hex}"} | members
        row |= {"created_at": now, "updated_at": now}
        self._rows[row["id"]] = row
        return row

    def change(self, row: Row, **members: Any) -> Row:
        """Change a row. Where the vendor forgets, `updated_at` does not move."""
        row |= members
        if not self._books.forgets():
            row["updated_at"] = written(self._books.clock())
        return row

    def get(self, name: Any) -> Row:
        """Return a row.

        Raises:
            Refusal: 404.
        """
        if name not in self._rows:
            raise not_found(self._title)
        return self._rows[name]

    def remove(self, row: Row) -> None:
        """Forget a row."""
        del self._rows[row["id"]]

    def as_json(self) -> list[Row]:
        """Return a copy of all rows."""
        return deepcopy(list(self))


class Books:
    """All tables of the company, and what the webhooks are to tell."""

    def __init__(self, *, clock: Callable[[], datetime], faults: Faults) -> None:
        self.clock = clock
        self.faults = faults
        self.acting = False
        self.notices: list[tuple[str, Row]] = []
        self.invoices = itertools.count(FIRST_INVOICE)
        self.numbers = itertools.count(1)
        self.customers = Table(self, "cus", "Customer")
        self.leads = Table(self, "lea", "Lead")
        self.jobs = Table(self, "job", "Job")
        self.employees = Table(self, "pro", "Employee")
        for first, last in (("Ana", "Ortiz"), ("Ben", "Cole")):
            self.hire(first, last, f"{first.lower()}@shop.test")

    def hire(self, first: str, last: str, email: str) -> Row:
        """Add an employee."""
        return self.employees.add(
            first_name=first,
            last_name=last,
            email=email,
            mobile_number="6025550100",
            role="field tech",
            tags=[],
            permissions={"can_add_and_edit_job": True},
            company_id=COMPANY,
        )

    def forgets(self) -> bool:
        """Tell whether this change moves no time: only people's changes may."""
        return self.acting and self.faults.forgets()

    def tell(self, event: str, record: Row) -> None:
        """Note something that the webhooks are to tell."""
        self.notices.append((event, deepcopy(record)))


def new_id(prefix: str) -> str:
    """Return an id for a part of a row, such as an address."""
    return f"{prefix}_{uuid4().hex}"


def written(when: datetime) -> str:
    """Write a time to the second: two changes within one look alike."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(body: Row, member: str) -> datetime | None:
    """Read a time of a body; None where it is left out.

    Raises:
        Refusal: 400, it is no time with an offset.
    """
    value = body.get(member)
    if value is None:
        return None
    try:
        read = datetime.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise malformed(member) from error
    if read.tzinfo is None:
        raise malformed(member)
    return read.astimezone(UTC)


def whole(body: Row, member: str, *, default: int = 0) -> int:
    """Read a number of a body.

    Raises:
        Refusal: 400.
    """
    value = body.get(member, default)
    if not isinstance(value, int) or isinstance(value, bool):
        raise malformed(member)
    return value

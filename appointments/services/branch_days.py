"""Hold the account of the branches' days against the visits, and set it right."""

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django.db import connection, transaction

_FIGURES = ("visits", "unassigned", "price_cents", "planned_minutes", "worked_minutes")
_COLUMNS = ", ".join(("location_id", "day", "status", "currency", *_FIGURES))
_MISSING = f"SELECT {_COLUMNS} FROM missing_branch_days(%s)"  # noqa: S608  # our names
_CORRECT = f"SELECT {_COLUMNS} FROM correct_branch_days(%s)"  # noqa: S608  # our names


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """A day of a branch whose entries do not add up to what its visits say.

    `missing` has what lacks (or is too much, where negative), by the figure's name.
    """

    location_id: UUID
    day: date
    status: str
    currency: str
    missing: dict[str, int]


def mistakes_in(*, location_id: UUID | None) -> list[Mistake]:
    """Return what is wrong in the account of a branch, or of all."""
    return _mistakes(_MISSING, location_id)


def correct(*, location_id: UUID | None) -> list[Mistake]:
    """Set the account of a branch right, or of all; return what was wrong.

    It adds what is missing, as seen in one moment. So visits may be written
    meanwhile: their entries are as right afterwards as they are now.
    """
    return _mistakes(_CORRECT, location_id)


def _mistakes(query: str, location_id: UUID | None) -> list[Mistake]:
    with transaction.atomic(), connection.cursor() as cursor:
        # The limit is made for requests; this goes through all of a branch's visits.
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute(query, [location_id])
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return sorted(
        (
            Mistake(
                location_id=place,
                day=day,
                status=status,
                currency=currency,
                missing={
                    name: int(figure)
                    for name, figure in zip(_FIGURES, figures, strict=True)
                    if figure
                },
            )
            for place, day, status, currency, *figures in rows
        ),
        key=lambda one: (one.location_id, one.day, one.status, one.currency),
    )

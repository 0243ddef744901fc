"""What a change of the roster would strand (R13): who asks, and how it is answered.

Shifts, absences, holidays and zones live below the visits that are planned by them.
So a service that changes them does it inside `watched`, and the app that keeps the
visits looks after them there; which one that is, `settings.ROSTER_GUARD` says.
"""

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import cache
from typing import Any, Protocol
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string

from core.actors import Actor
from core.errors import Conflict


class OnConflict(StrEnum):
    """What becomes of a change that would strand booked visits."""

    REJECT = "reject"
    UNASSIGN = "unassign"


class Stranded(Conflict):
    """Technicians could not keep these visits after the change: `conflicts`.

    `total` counts them all; those beyond the actor's sight or too many to list are
    not among them.
    """

    code = "conflicts"
    title = "Booked visits stand in the way"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Whose visits, where and when, a change could strand; None: at all.

    `days` are the first and the last, by whichever branch's clock.
    """

    technician_ids: frozenset[UUID] | None = None
    location_ids: frozenset[UUID] | None = None
    days: tuple[date, date] | None = None

    @classmethod
    def of_technician(cls, technician_id: UUID) -> "Scope":
        return cls(technician_ids=frozenset({technician_id}))

    @classmethod
    def of_branches(
        cls, *location_ids: UUID | None, days: Collection[date] = ()
    ) -> "Scope":
        """Return the scope of some branches; a None among them means all."""
        everywhere = None in location_ids
        return cls(
            location_ids=None if everywhere else frozenset(filter(None, location_ids)),
            days=(min(days), max(days)) if days else None,
        )


class Guard(Protocol):
    """Looks after booked visits while the block inside changes the roster.

    It locks the technicians concerned before the block writes, in ascending order,
    and holds them until the transaction ends, so that bookings and the change take
    turns. Afterwards no visit is stranded by the change: it raises `Stranded`, or
    has taken the technicians off. Needs a transaction.
    """

    def __call__(
        self, *, scope: Scope, on_conflict: OnConflict, actor: Actor, now: datetime
    ) -> AbstractContextManager[None]: ...


def watched(
    *, scope: Scope, on_conflict: OnConflict, actor: Actor, now: datetime
) -> AbstractContextManager[None]:
    """Let the house's guard look after the visits while the block changes the roster.

    Raises:
        Stranded: on leaving, unless such visits are to be unassigned.
    """
    guard = _guard(settings.ROSTER_GUARD)
    return guard(scope=scope, on_conflict=on_conflict, actor=actor, now=now)


def rehearse(change: Callable[[], object]) -> dict[str, Any]:
    """Return what `change` would strand, and leave no trace of it.

    `change` must reject conflicts. What else it raises, it raises here too: a
    rehearsal refuses what the real thing would refuse.
    """
    try:
        with transaction.atomic():
            change()
            transaction.set_rollback(True)
    except Stranded as stranded:
        return dict(stranded.extra)
    return {"conflicts": [], "total": 0}


@cache
def _guard(path: str) -> Guard:
    guard: Guard = import_string(path)
    return guard

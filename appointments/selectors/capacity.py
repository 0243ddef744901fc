"""Load the facts on which the slot engine decides: a constant number of queries."""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import wraps
from typing import ParamSpec, Protocol, TypeVar, cast
from uuid import UUID

from appointments.rules import slots
from appointments.rules.slots import (
    Placement,
    Promise,
    Reason,
    Span,
    Wish,
    Worker,
    to_minute,
    to_moment,
)
from appointments.rules.slots.starts import fitness_refusal
from appointments.selectors.calendars import reach_of, worker_of
from appointments.selectors.caps import with_taken
from appointments.selectors.packed_days import packed_days
from appointments.selectors.roster import current_roster, known_roster
from appointments.selectors.wishes import (
    OutOfServiceArea,
    lasting,
    location_serving,
    renewed,
    wish_for,
    wish_of,
)
from core.errors import Unavailable
from core.walltime import as_instant, local_date

__all__ = [
    "OutOfServiceArea",
    "RosterChanged",
    "days_around",
    "explain_start",
    "facts_for",
    "lasting",
    "location_serving",
    "promises_between",
    "renewed",
    "slots_between",
    "wish_for",
    "wish_of",
    "with_caps",
    "workers_for",
]

Workers = dict[UUID, Worker]


class DaysReader(Protocol):
    """What reads the packed days of technicians, and the roster's version."""

    def __call__(
        self, technician_ids: list[UUID], *, span: Span
    ) -> tuple[UUID | None, Mapping[UUID, Sequence[bytes]]]: ...


P = ParamSpec("P")
T = TypeVar("T")

# A roster that changes as often as that while one question is answered is no roster.
_TRIES = 5


class RosterChanged(Unavailable):
    """Something of the roster changed since the wish was made: make it anew."""


def asked_anew(ask: Callable[P, T]) -> Callable[P, T]:
    """Let a question about a `wish` be asked again when the roster changes meanwhile.

    Raises:
        RosterChanged: it does so time and again.
    """

    @wraps(ask)
    def asked(*args: P.args, **given: P.kwargs) -> T:
        for _ in range(_TRIES):
            with suppress(RosterChanged):
                return ask(*args, **given)
            given["wish"] = renewed(cast("Wish", given["wish"]))
        raise RosterChanged("The roster is being changed. Please try again.")

    return asked


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why a start is refused: as a whole, and by each technician (id, name, why)."""

    start: datetime
    reason: Reason | None
    technicians: list[tuple[UUID, str, Reason | None]]


@asked_anew
def slots_between(
    *,
    wish: Wish,
    first_day: date,
    days: int,
    technician_id: UUID | None = None,
    own: Collection[UUID] = (),
) -> list[tuple[Promise, list[Placement]]]:
    """Return what can be booked on `days` local days from `first_day` on, and how.

    `own` are the visit to be moved or one's own hold: they never block (R11, R12).
    """
    wish, workers, wanted = facts_for(
        wish, first_day=first_day, days=days, technician_id=technician_id, own=own
    )
    return list(slots.offers(wish, workers, wanted))


@asked_anew
def promises_between(
    *,
    wish: Wish,
    first_day: date,
    days: int,
    technician_id: UUID | None = None,
    own: Collection[UUID] = (),
) -> Sequence[Promise]:
    """Return what can be booked as `slots_between` does, without asking by whom."""
    wish, workers, wanted = facts_for(
        wish, first_day=first_day, days=days, technician_id=technician_id, own=own
    )
    return slots.offered(wish, workers, wanted)


@asked_anew
def explain_start(*, wish: Wish, starts_at: datetime) -> Explanation:
    """Return who could begin at `starts_at`, and why the others could not.

    Raises:
        NonexistentLocalTime, AmbiguousLocalTime: of a naive `starts_at`.
    """
    start = as_instant(starts_at, zone=wish.branch.zone)
    day = local_date(start, zone=wish.branch.zone)
    wish = with_caps(wish, days=[day])
    promise = slots.promise_at(wish, to_minute(start))
    if isinstance(promise, Reason):
        reason: Reason | None = promise
        first = to_minute(start)
        promise = Promise(first, first + slots.EXACT_PROMISE, day)
    else:
        reason = slots.promise_refusal(wish, promise)
    workers = workers_for(wish=wish, days=days_around(wish, promise))
    people = current_roster(day=wish.now.date()).people
    return Explanation(
        start=start,
        reason=reason,
        technicians=[
            (worker.id, people[worker.id].name, slots.why_not(wish, worker, promise))
            for worker in workers.values()
        ],
    )


def workers_for(
    *,
    wish: Wish,
    days: Collection[date],
    technician_ids: Collection[UUID] | None = None,
    own: Collection[UUID] = (),
    only_fit: bool = False,
    read: DaysReader = packed_days,
) -> Workers:
    """Return the technicians of the wish's branch with their calendars on `days`.

    With `technician_ids`, just those, wherever they work; `only_fit` leaves out whom
    the wish cannot go to on any of the days. One query, unless the roster changed
    since it was read. `read` is who asks it: whoever books locks them first.

    Raises:
        RosterChanged: the wish was made from another roster than the one that holds.
    """
    since, span = min(*days, wish.now.date()), reach_of(wish, days)
    roster = known_roster(day=since)
    while True:
        everybody = roster.crew_at(wish.branch.id)
        asked = everybody if technician_ids is None else technician_ids
        people = [roster.people[key] for key in asked if key in roster.people]
        if only_fit:  # who is not on the first day will not be later
            first = min(days)
            people = [one for one in people if not fitness_refusal(wish, one, first)]
        version, stops = read([person.id for person in people], span=span)
        if wish.version not in {None, version}:
            raise RosterChanged
        if version == roster.version:
            break
        roster = current_roster(day=since)
    return {
        person.id: worker_of(
            person=person,
            roster=roster,
            span=span,
            days=stops.get(person.id, ()),
            now=wish.now,
            own=own,
        )
        for person in people
    }


def with_caps(
    wish: Wish, *, days: Collection[date], own: Collection[UUID] = ()
) -> Wish:
    """Return the wish with what its caps have taken on these days."""
    if not wish.caps:
        return wish
    caps = with_taken(wish.caps, branch=wish.branch, days=days, now=wish.now, own=own)
    return replace(wish, caps=caps)


def days_around(wish: Wish, promise: Promise) -> list[date]:
    """Return the local days on which a visit so promised may begin."""
    last = local_date(to_moment(promise.end), zone=wish.branch.zone)
    return [promise.day + timedelta(n) for n in range((last - promise.day).days + 1)]


def facts_for(
    wish: Wish,
    *,
    first_day: date,
    days: int,
    technician_id: UUID | None = None,
    own: Collection[UUID] = (),
) -> tuple[Wish, Workers, list[date]]:
    """Return all that is asked when slots are listed.

    The wish with what its caps have taken, the technicians, and the local days.

    Raises:
        RosterChanged: see `workers_for`.
    """
    wanted = [first_day + timedelta(days=n) for n in range(days)]
    workers = workers_for(
        wish=wish,
        days=wanted,
        technician_ids=None if technician_id is None else [technician_id],
        own=own,
        only_fit=True,
    )
    return with_caps(wish, days=wanted, own=own), workers, wanted

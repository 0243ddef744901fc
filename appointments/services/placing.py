"""Take technicians' time for a visit: the step that races are decided in.

Bookings of one technician take turns on the technician's row. A try locks all whom
it concerns in the order of their ids, and lets them go when it comes to nothing, so
nobody waits in a circle; and N free technicians serve N callers at once, because
whoever finds a row locked first looks at the others (R10).
"""

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import date
from enum import Enum, auto
from functools import partial
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from appointments.models import Appointment, Assignment, Cap, Hold
from appointments.rules import slots
from appointments.rules.slots import Placement, Promise, Reason, Wish, to_moment
from appointments.selectors import capacity
from appointments.selectors.capacity import RosterChanged
from appointments.services.locking import HeldByOthers, UnderLock
from appointments.services.refusals import double_booked
from core.db import insert_new, on_breach

# Each round somebody else got ahead of us; more than this is no bad luck.
_ROUNDS = 10


class _Again(Enum):
    """Others were faster with all the ways that were seen: look again."""

    AGAIN = auto()


_AGAIN = _Again.AGAIN


class _Missed(Enum):
    """Why nothing came of trying one way to keep the promise."""

    LOCKED = auto()  # somebody else is at it; worth waiting for
    TAKEN = auto()  # got busy between our look and our lock
    CAPPED = auto()  # the day got full meanwhile


def place(
    visit: Appointment | Hold,
    *,
    wish: Wish,
    promise: Promise,
    technician_ids: Collection[UUID] | None = None,
    lead: UUID | None = None,
    own: Collection[UUID] = (),
) -> Placement | Reason:
    """Put fit technicians on the visit, in place of whoever is on it.

    The caller has set the promise on it; this plans the work within. `lead` must be
    one of the crew, and leads it. `own` are holds of the same visitor: they do not
    stand in the way, and are let go when it is done.
    Returns how it was done: the work interval is set, and a new visit is saved. Or why
    nobody (of `technician_ids`) can keep the promise. Needs a transaction.
    """
    own = [*own, visit.pk]
    if lead is not None:
        wish = replace(wish, preferred=frozenset({lead}))
    for _ in range(_ROUNDS):
        try:
            outcome = _look_and_take(
                visit,
                wish=wish,
                promise=promise,
                technician_ids=technician_ids,
                lead=lead,
                own=own,
            )
        except RosterChanged:
            wish = capacity.renewed(wish)
            if not wish.is_settled and slots.promise_at(wish, promise.start) != promise:
                return Reason.CLOSED  # the branch promises other hours now
            continue
        if outcome is not _AGAIN:
            return outcome
    return Reason.BUSY


def _look_and_take(
    visit: Appointment | Hold,
    *,
    wish: Wish,
    promise: Promise,
    technician_ids: Collection[UUID] | None,
    lead: UUID | None,
    own: Collection[UUID],
) -> Placement | Reason | _Again:
    """Look once, and try all ways that were seen; somebody may have been faster."""
    wish = capacity.with_caps(wish, days=[promise.day], own=own)
    refusal = slots.promise_refusal(wish, promise)
    if refusal is not None:
        return refusal
    take = partial(_take, visit, wish=wish, promise=promise, own=own)
    if technician_ids is not None and len(technician_ids) == wish.terms.crew_size:
        # Nobody to choose from: most often they are free, and one look is enough.
        outcome = take(technician_ids, wait=False)
        if isinstance(outcome, Placement):
            return outcome
    workers = capacity.workers_for(
        wish=wish,
        days=capacity.days_around(wish, promise),
        technician_ids=technician_ids,
        own=own,
    )
    ways = slots.placements(wish, workers, promise)
    if lead is not None:
        ways = [way for way in ways if way.technicians[0] == lead]
    if not ways:
        return slots.common_refusal(wish, workers, promise)
    return _take_first([way.technicians for way in ways], take=take)


def _take_first(
    crews: Collection[Collection[UUID]], *, take: Callable[..., Placement | _Missed]
) -> Placement | _Again:
    """Take the first crew that nobody else is at; only then wait for the others."""
    for wait in (False, True):
        locked_by_others = []
        for crew in crews:
            outcome = take(crew, wait=wait)
            if isinstance(outcome, Placement):
                return outcome
            if outcome is _Missed.CAPPED:
                return _AGAIN
            if outcome is _Missed.LOCKED:
                locked_by_others.append(crew)
        crews = locked_by_others
    return _AGAIN


def _take(
    visit: Appointment | Hold,
    crew: Collection[UUID],
    *,
    wish: Wish,
    promise: Promise,
    own: Collection[UUID],
    wait: bool,
) -> Placement | _Missed:
    """Lock the crew, look at them again, and write the assignments.

    Where nothing comes of it the savepoint is rolled back, which lets the locks go.
    """
    with transaction.atomic():
        leaving = _on_it(visit, own=own)
        try:
            workers = capacity.workers_for(
                wish=wish,
                days=capacity.days_around(wish, promise),
                technician_ids=crew,
                own=own,
                read=UnderLock(leaving=leaving, waits=wait, now=wish.now),
            )
        except HeldByOthers:
            transaction.set_rollback(True)
            return _Missed.LOCKED
        ways = slots.placements(wish, workers, promise)
        if not ways:
            transaction.set_rollback(True)
            return _Missed.TAKEN
        if _got_capped(wish, promise.day, own=own):
            transaction.set_rollback(True)
            return _Missed.CAPPED
        if held := _besides(visit, own):
            Hold.objects.filter(pk__in=held).delete()
        occupy(visit, wish=wish, way=ways[0])
        return ways[0]


def occupy(visit: Appointment | Hold, *, wish: Wish, way: Placement) -> None:
    """Plan the work that way, save it, and write whose time it takes.

    Whoever was on it is off. The caller holds the technicians' locks; the constraint
    is the referee for whoever does not.

    Raises:
        SlotUnavailable: the database refused a double booking.
    """
    visit.starts_at, visit.ends_at = to_moment(way.start), to_moment(way.end)
    visit.zone_id = wish.zone_id
    crew = _assignments(visit, wish=wish, way=way)
    with on_breach("technician_is_in_one_place", double_booked(), savepoint=False):
        if visit._state.adding:
            insert_new([visit], crew)
        else:
            _take_off(visit)
            insert_new(crew)


def _assignments(
    visit: Appointment | Hold, *, wish: Wish, way: Placement
) -> list[Assignment]:
    latitude, longitude = wish.place or (None, None)
    rows = []
    for technician_id in sorted(way.technicians):
        for number, part in enumerate(way.parts):
            taken = slots.occupied_by(wish.terms, part)
            row = Assignment(
                technician_id=technician_id,
                is_lead=technician_id == way.technicians[0],
                part=number,
                occupied_from=to_moment(taken.start),
                occupied_until=to_moment(taken.end),
                latitude=latitude and latitude / 1e6,
                longitude=longitude and longitude / 1e6,
            )
            if isinstance(visit, Hold):
                row.hold, row.held_until = visit, visit.expires_at
            else:
                row.appointment = visit
            rows.append(row)
    return rows


def _on_it(visit: Appointment | Hold, *, own: Collection[UUID]) -> list[UUID]:
    """Return whose time is let go when the visit takes its new place."""
    held = _besides(visit, own)
    if visit._state.adding and not held:
        return []
    rows = Assignment.objects.filter(Q(appointment=visit.pk) | Q(hold__in=held))
    return list(rows.filter(released_at=None).values_list("technician_id", flat=True))


def _besides(visit: Appointment | Hold, own: Collection[UUID]) -> list[UUID]:
    return [pk for pk in own if pk != visit.pk]


def _take_off(visit: Appointment | Hold) -> None:
    """Let the technicians go; the events remember that they were on it."""
    visit.assignments.on_the_visit().delete()


def _got_capped(wish: Wish, day: date, *, own: Collection[UUID]) -> bool:
    """Lock the caps that the visit falls under, and count again.

    The locks come after the technicians', as in every booking.
    """
    if not wish.caps or slots.Override.CAP in wish.overridden:
        return False
    caps = Cap.objects.select_for_update(no_key=True).order_by("pk")
    list(caps.filter(pk__in=[cap.id for cap in wish.caps]).values_list("pk"))
    counted = capacity.with_caps(wish, days=[day], own=own)
    return any(cap.is_reached_on(day) for cap in counted.caps)

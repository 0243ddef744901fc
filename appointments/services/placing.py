"""Take a technician's time for a visit: the step that races are decided in.

One technician's bookings take turns on the technician's row. A caller holds at most
one such lock at a time and lets it go when the technician turns out to be taken, so
nobody waits in a circle; and N free technicians serve N callers at once, because
whoever finds a row locked first looks at the others (R10).
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from enum import Enum, auto
from uuid import UUID

from django.db import transaction

from appointments.models import Appointment, Assignment
from appointments.rules import slots
from appointments.rules.slots import Placement, Promise, Reason, Wish
from appointments.selectors import capacity
from core.db import on_breach
from core.errors import Conflict
from core.walltime import local_date
from technicians.models import Technician

ALTERNATIVES = 5
ALTERNATIVE_DAYS = 7


class SlotUnavailable(Conflict):
    """Nobody can keep that promise; `reason` says why, `alternatives` what else."""

    code = "slot_unavailable"
    title = "That time is not available"


class _Try(Enum):
    """What came of trying one technician."""

    DONE = auto()
    LOCKED = auto()  # somebody else is at it; worth waiting for
    TAKEN = auto()  # got busy between our look and our lock


def place(
    visit: Appointment,
    *,
    wish: Wish,
    promise: Promise,
    technician_ids: Collection[UUID] | None = None,
) -> Reason | None:
    """Put a fit technician on the visit, and plan the work within the promise.

    Returns why nobody (of `technician_ids`) can keep the promise, or None when it
    is done: the work interval is set, and a new visit is saved. Needs a transaction.
    """
    refusal = slots.promise_refusal(wish, promise)
    if refusal is not None:
        return refusal
    workers = capacity.workers_for(
        wish=wish,
        days=capacity.days_around(wish, promise.start),
        technician_ids=technician_ids,
        except_visit=visit.pk,
    )
    waiting = slots.placements(wish, workers, promise)
    if not waiting:
        return slots.common_refusal(wish, workers, promise)
    for wait in (False, True):
        locked_by_others = []
        for way in waiting:
            taken = _take(visit, wish=wish, promise=promise, way=way, wait=wait)
            if taken is _Try.DONE:
                return None
            if taken is _Try.LOCKED:
                locked_by_others.append(way)
        waiting = locked_by_others
    return Reason.BUSY


def refused(
    wish: Wish, reason: Reason, *, after: datetime | None = None
) -> SlotUnavailable:
    """Return the refusal, with the next times that could be booked instead."""
    return SlotUnavailable(
        _SENTENCES[reason],
        reason=reason,
        alternatives=_alternatives(wish, after=after or wish.now),
    )


def _take(
    visit: Appointment, *, wish: Wish, promise: Promise, way: Placement, wait: bool
) -> _Try:
    """Lock the technician, look again, and write the assignment.

    Where nothing comes of it the savepoint is rolled back, which lets the lock go.
    """
    with transaction.atomic():
        if not _lock(way.technician_id, wait=wait):
            return _Try.LOCKED
        workers = capacity.workers_for(
            wish=wish,
            days=capacity.days_around(wish, promise.start),
            technician_ids=[way.technician_id],
            except_visit=visit.pk,
        )
        fresh = slots.placement(wish, workers[way.technician_id], promise)
        if fresh is None:
            transaction.set_rollback(True)
            return _Try.TAKEN
        plan(visit, wish=wish, promise=promise, start=fresh.start)
        if visit._state.adding:
            visit.save(force_insert=True)
        occupy(visit, wish=wish, technician_id=way.technician_id)
        return _Try.DONE


def _lock(technician_id: UUID, *, wait: bool) -> bool:
    rows = Technician.objects.select_for_update(no_key=True, skip_locked=not wait)
    return rows.filter(pk=technician_id).values_list("pk").first() is not None


def plan(visit: Appointment, *, wish: Wish, promise: Promise, start: datetime) -> None:
    """Set promise and work interval on the visit; saving is up to the caller."""
    visit.window_starts_at, visit.window_ends_at = promise.start, promise.end
    visit.starts_at, visit.ends_at = start, start + wish.terms.duration


def occupy(visit: Appointment, *, wish: Wish, technician_id: UUID) -> Assignment:
    """Write that the technician's time is taken.

    The caller holds the technician's lock; the constraint is the referee for
    whoever does not.

    Raises:
        SlotUnavailable: the database refused a double booking.
    """
    occupied = slots.occupied_by(wish.terms, visit.starts_at)
    double_booked = SlotUnavailable(_SENTENCES[Reason.BUSY], reason=Reason.BUSY)
    with on_breach("technician_is_in_one_place", double_booked):
        return Assignment.objects.create(
            appointment=visit,
            technician_id=technician_id,
            occupied_from=occupied.start,
            occupied_until=occupied.end,
        )


def _alternatives(wish: Wish, *, after: datetime) -> list[dict[str, str]]:
    """Return the next few promises from the local day of `after` on."""
    zone = wish.branch.zone
    first = local_date(after, zone=zone)
    days = [first + timedelta(days=n) for n in range(ALTERNATIVE_DAYS)]
    workers = capacity.workers_for(wish=wish, days=days)
    found = []
    for promise, _ in slots.offers(wish, workers, iter(days)):
        found.append(
            {
                "starts_at": promise.start.astimezone(zone).isoformat(),
                "ends_at": promise.end.astimezone(zone).isoformat(),
            }
        )
        if len(found) == ALTERNATIVES:
            break
    return found


_SENTENCES = {
    Reason.NOTICE: "It is too soon: this service needs more notice.",
    Reason.HORIZON: "It is too far ahead to be booked yet.",
    Reason.HOLIDAY: "The branch keeps a holiday on that day.",
    Reason.CLOSED: "The branch does not begin visits at that time.",
    Reason.OFF_GRID: "Visits do not begin at that minute; choose an offered time.",
    Reason.INACTIVE: "The technician is not active.",
    Reason.NO_SKILL: "The technician lacks a skill (or its certificate) for it.",
    Reason.OUT_OF_ZONE: "The address is outside of the technician's zones.",
    Reason.OFF_SHIFT: "The technician has no shift that holds the whole visit.",
    Reason.TIME_OFF: "The technician is away at that time.",
    Reason.BUSY: "No fit technician is free at that time any more.",
}

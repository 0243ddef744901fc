"""Can this technician keep it? Fitness and calendar (R7)."""

from datetime import datetime

from appointments.rules.slots.facts import (
    Interval,
    Reason,
    Wish,
    Worker,
    occupied_by,
    work_of,
)
from core.walltime import local_date
from technicians.rules.shifts import ShiftInterval

ON_CALL = "on_call"


def technician_refusal(wish: Wish, worker: Worker, start: datetime) -> Reason | None:
    """Return why this technician cannot begin this work at `start`, or None (R7)."""
    return fitness_refusal(wish, worker, start) or calendar_refusal(wish, worker, start)


def fitness_refusal(wish: Wish, worker: Worker, start: datetime) -> Reason | None:
    """Return why the technician is not the one for it on that day, or None."""
    if not worker.is_active:
        return Reason.INACTIVE
    day = local_date(start, zone=wish.branch.zone)
    for skill in wish.terms.skills:
        if skill not in worker.skills:
            return Reason.NO_SKILL
        valid_until = worker.skills[skill]
        if valid_until is not None and valid_until < day:
            return Reason.NO_SKILL
    if worker.zones and wish.zone_id not in worker.zones:
        return Reason.OUT_OF_ZONE
    return None


def calendar_refusal(wish: Wish, worker: Worker, start: datetime) -> Reason | None:
    """Return what stands in the technician's calendar against it, or None.

    The work itself must lie inside one shift at the branch (R6) and outside of any
    absence; the buffers count between visits only (R4).
    """
    work = work_of(wish.terms, start)
    if not any(_serves(shift, wish, work) for shift in worker.shifts):
        return Reason.OFF_SHIFT
    if any(absence.overlaps(work) for absence in worker.time_off):
        return Reason.TIME_OFF
    occupied = occupied_by(wish.terms, start)
    if any(visit.overlaps(occupied) for visit in worker.busy):
        return Reason.BUSY
    return None


def _serves(shift: ShiftInterval, wish: Wish, work: Interval) -> bool:
    """Tell whether the shift is at the branch, of the right kind, and long enough."""
    return (
        shift.starts_at <= work.start
        and work.end <= shift.ends_at
        and shift.location_id == wish.branch.id
        and (shift.kind != ON_CALL or wish.terms.is_emergency)
    )

"""How much of technicians' time the shifts of a branch offer on a day."""

from collections.abc import Iterable
from datetime import date
from uuid import UUID

from appointments.rules.slots import Shift, Span
from appointments.selectors.roster import Roster

_Known = dict[UUID, dict[date, int]]

# Worked out once a roster: a company has thousands of shifts a day.
_known: tuple[Roster | None, _Known] = (None, {})


def offered_minutes(
    roster: Roster, *, location_id: UUID, days: Iterable[date]
) -> list[int]:
    """Return the minutes of regular shifts that begin there on each local day.

    Time away is not offered, nor is a holiday. Nobody is booked for a shift on call:
    it is kept for what comes up.
    """
    known = _of(roster).setdefault(location_id, {})
    offered = []
    for day in days:
        minutes = known.get(day)
        if minutes is None:
            minutes = known[day] = _minutes(roster, location_id, day)
        offered.append(minutes)
    return offered


def _of(roster: Roster) -> _Known:
    global _known  # noqa: PLW0603  # of one roster a process, exchanged in one step
    of, known = _known
    if of is not roster:
        known = {}
        _known = (roster, known)
    return known


def _minutes(roster: Roster, location_id: UUID, day: date) -> int:
    branch = roster.branches.get(location_id)
    if branch is None or day in branch.holidays:
        return 0
    return sum(
        _free(shift, roster.people[technician_id].time_off)
        for technician_id in roster.crew_at(location_id)
        for shift in roster.shifts_on(technician_id, day)
        if shift.location_id == location_id and not shift.is_on_call
    )


def _free(shift: Shift, absences: Iterable[Span]) -> int:
    """Return what absences leave of a shift; they may overlap, and are in order."""
    free, at = 0, shift.start
    for away in absences:
        if at < away.end and away.start < shift.end:
            free += max(0, away.start - at)
            at = away.end
    return free + max(0, shift.end - at)

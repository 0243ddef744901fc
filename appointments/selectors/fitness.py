"""Whether technicians can still keep the visits that they are booked for."""

from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from appointments.models import Appointment
from appointments.rules import slots
from appointments.rules.slots import (
    Override,
    Reason,
    Shift,
    Span,
    Wish,
    Worker,
    to_minute,
)
from appointments.selectors import capacity
from appointments.selectors.roster import Roster, current_roster
from core.walltime import local_date


class Misfit(NamedTuple):
    """A technician who cannot keep a visit, and why; there may be several reasons.

    `even_overtime`: not even where he works past the end of his shift. A visit that
    staff planned so is one thing, to take the shift away is another.
    """

    technician_id: UUID
    reason: Reason
    even_overtime: bool = False


# Each fact of a technician can forbid a visit by itself.
_FACTS = ("is_active", "skills", "zones", "shifts", "time_off")
_BRANCHES = frozenset({Reason.HOLIDAY, Reason.CLOSED})
_DAY = timedelta(days=1)


def misfits(
    *, visits: Collection[Appointment], now: datetime
) -> dict[UUID, frozenset[Misfit]]:
    """Return, for each visit whose plan does not hold, who cannot keep it and why.

    Asked of the roster alone: notice, horizon and promise were settled when the
    visit was booked, and other visits cannot have come in between. All reasons are
    named, so that one that was there before hides none that is new.
    """
    if not visits:
        return {}
    days = _days(visits)
    roster = current_roster(day=min(*days, now.date()))
    wishes = _wishes(visits, roster=roster, now=now)
    workers = capacity.workers_for(
        wish=next(iter(wishes.values())),
        days=days,
        technician_ids={
            row.technician_id for visit in visits for row in visit.assignments.all()
        },
    )
    found = {
        visit.pk: frozenset(_misfits_of(visit, wish=wishes[visit.pk], workers=workers))
        for visit in visits
    }
    return {pk: reasons for pk, reasons in found.items() if reasons}


def _misfits_of(
    visit: Appointment, *, wish: Wish, workers: capacity.Workers
) -> Iterator[Misfit]:
    promise = slots.promise_at(wish, to_minute(visit.window_starts_at))
    rows = list(visit.assignments.all())
    last = max(row.part for row in rows)
    for row in rows:
        if promise in _BRANCHES:
            yield Misfit(row.technician_id, Reason(promise))
        start, end = to_minute(visit.starts_at), to_minute(visit.ends_at)
        if row.part > 0:
            start = to_minute(row.occupied_from) + wish.terms.before
        if row.part < last:
            end = to_minute(row.occupied_until) - wish.terms.after
        yield from _reasons(wish, workers[row.technician_id], Span(start, end))


def _reasons(wish: Wish, worker: Worker, work: Span) -> Iterator[Misfit]:
    """Yield each reason for which this technician cannot do that part of a visit.

    The predicate names the first it meets. So it is asked about somebody who fits
    in all but one respect, in each respect.
    """
    terms = replace(wish.terms, duration=work.end - work.start, splits=False)
    wish = replace(wish, terms=terms)
    fitting = replace(
        worker,
        is_active=True,
        skills=dict.fromkeys(terms.skills),
        zones=frozenset(),
        shifts=(Shift(work.start, work.end, wish.branch.id),),
        time_off=(),
        stops=(),
        home=None,
    )
    for fact in _FACTS:
        asked = replace(fitting, **{fact: getattr(worker, fact)})
        reason = slots.start_refusal(wish, asked, work.start)
        if reason is not None:
            yield Misfit(worker.id, reason)
    late = replace(wish, overridden=frozenset({Override.OVERTIME}))
    asked = replace(fitting, shifts=worker.shifts)
    if slots.start_refusal(late, asked, work.start) is not None:
        yield Misfit(worker.id, Reason.OFF_SHIFT, even_overtime=True)


def _wishes(
    visits: Collection[Appointment], *, roster: Roster, now: datetime
) -> dict[UUID, Wish]:
    """Return each visit as a wish, by the roster as it now is."""
    return {visit.pk: _wish(visit, roster=roster, now=now) for visit in visits}


def _wish(visit: Appointment, *, roster: Roster, now: datetime) -> Wish:
    at, zone_id = roster.zips.get(visit.property.postal_code[:5], (None, None))
    return Wish(
        terms=roster.terms[visit.service_id],
        branch=roster.branches[visit.location_id],
        zone_id=zone_id if at == visit.location_id else None,
        now=now,
    )


def _days(visits: Collection[Appointment]) -> list[date]:
    """Return the days whose shifts the visits may lie in.

    A day more on either side: a night shift begins the day before, and branches
    may lie in different zones.
    """
    found: set[date] = set()
    for visit in visits:
        zone = visit.location.time_zone
        day = local_date(visit.starts_at, zone=zone) - _DAY
        last = local_date(visit.ends_at, zone=zone) + _DAY
        while day <= last:
            found.add(day)
            day += _DAY
    return sorted(found)

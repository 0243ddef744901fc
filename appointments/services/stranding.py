"""Strand nobody: what a change of the roster means for booked visits (R13)."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Prefetch, Q

from appointments.models import Appointment, Assignment
from appointments.models.visits import AppointmentQuerySet
from appointments.rules.slots import Reason
from appointments.rules.states import MOVABLE
from appointments.selectors.fitness import Misfit, misfits
from appointments.services.moving import unassign
from core.actors import Actor
from core.roster import OnConflict, Scope, Stranded
from technicians.models import ShiftException, Technician, WeeklyShift

# So many are listed; who strands more has `total`, and the list of visits.
MOST_LISTED = 100

_DAY = timedelta(days=1)

Found = Mapping[UUID, frozenset[Misfit]]


@contextmanager
def guard(
    *, scope: Scope, on_conflict: OnConflict, actor: Actor, now: datetime
) -> Iterator[None]:
    """Hold the technicians while the block changes the roster, and look what it did.

    A visit is stranded when somebody on it cannot keep its plan for a reason that
    was not there before: one that was out of rule already is not this change's
    fault. Visits are locked before technicians, as wherever a visit is moved.

    Emits:
        appointment.unassigned, for each stranded visit that is to be unassigned
    Raises:
        Stranded
    """
    if on_conflict is OnConflict.UNASSIGN:
        _lock(_booked(scope, now=now))
    _lock_technicians(scope)
    before = misfits(visits=_with_people(_booked(scope, now=now)), now=now)
    yield
    visits = _with_people(_booked(scope, now=now))
    after = misfits(visits=visits, now=now)
    new = {pk: why - before.get(pk, frozenset()) for pk, why in after.items()}
    stranded = [visit for visit in visits if new.get(visit.pk)]
    if not stranded:
        return
    if on_conflict is OnConflict.REJECT:
        raise _conflict(stranded, new, actor=actor)
    # Those that were booked between the two locks: nobody waits for them in a circle.
    _lock(Appointment.objects.filter(pk__in=[v.pk for v in stranded]), nowait=True)
    _unassign(stranded, new, actor=actor, now=now)


def _booked(scope: Scope, *, now: datetime) -> AppointmentQuerySet:
    """Return the visits in scope that have somebody, and can still be kept or moved."""
    taken = Assignment.objects.holding().filter(appointment=OuterRef("pk"))
    if scope.technician_ids is not None:
        taken = taken.filter(technician__in=scope.technician_ids)
    visits = Appointment.objects.filter(
        Exists(taken), status__in=MOVABLE, ends_at__gt=now
    )
    if scope.location_ids is not None:
        visits = visits.filter(location__in=scope.location_ids)
    if scope.days is not None:
        # A day more on either side: branches may be a day apart.
        first, last = (datetime.combine(day, time(), UTC) for day in scope.days)
        visits = visits.filter(
            ends_at__gt=first - _DAY, window_starts_at__lt=last + 2 * _DAY
        )
    return visits


def _with_people(visits: AppointmentQuerySet) -> list[Appointment]:
    crew = Assignment.objects.holding().order_by("-is_lead", "created_at")
    return list(
        visits.select_related("location", "service", "property")
        .prefetch_related(Prefetch("assignments", crew))
        .order_by("starts_at", "pk")
    )


def _lock(visits: AppointmentQuerySet, *, nowait: bool = False) -> None:
    rows = visits.select_for_update(no_key=True, nowait=nowait, of=("self",))
    list(rows.order_by("pk").values_list("pk"))


def _lock_technicians(scope: Scope) -> None:
    """Lock those whom a booking in scope could go to, or has gone to."""
    technicians = Technician.objects.select_for_update(no_key=True, of=("self",))
    if scope.technician_ids is not None:
        technicians = technicians.filter(pk__in=scope.technician_ids)
    if scope.location_ids is not None:
        here = {"technician": OuterRef("pk"), "location__in": scope.location_ids}
        technicians = technicians.filter(
            Q(location__in=scope.location_ids)
            | Exists(WeeklyShift.objects.filter(**here))
            | Exists(ShiftException.objects.filter(**here))
        )
    list(technicians.order_by("pk").values_list("pk"))


def _conflict(stranded: list[Appointment], why: Found, *, actor: Actor) -> Stranded:
    listed = [visit for visit in stranded if actor.sees_location(visit.location_id)]
    total = len(stranded)
    visits = "visit" if total == 1 else "visits"
    return Stranded(
        f"{total} booked {visits} could not be kept.",
        conflicts=[_shown(visit, why[visit.pk]) for visit in listed[:MOST_LISTED]],
        total=total,
    )


def _shown(visit: Appointment, why: frozenset[Misfit]) -> dict[str, Any]:
    misfit = _first(why)
    zone = visit.location.time_zone
    return {
        "id": str(visit.pk),
        "reference": visit.reference,
        "starts_at": visit.starts_at.astimezone(zone).isoformat(),
        "time_zone": zone.key,
        "technician": str(misfit.technician_id),
        "reason": str(misfit.reason),
    }


def _first(why: frozenset[Misfit]) -> Misfit:
    """Return the reason to name of several: always the same."""
    order = list(Reason)
    return min(why, key=lambda each: (order.index(each.reason), each.technician_id))


def _unassign(
    stranded: list[Appointment], why: Found, *, actor: Actor, now: datetime
) -> None:
    """Take the technicians off. Visits at other branches are not spared for that."""
    far_sighted = replace(actor, location_ids=None, technician_id=None)
    for visit in stranded:
        reason = _first(why[visit.pk]).reason
        unassign(
            appointment_id=visit.pk,
            actor=far_sighted,
            now=now,
            reason=f"The roster has changed: {reason.replace('_', ' ')}",
        )

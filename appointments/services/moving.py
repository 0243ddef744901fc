"""Move a visit: to another time, to another technician, or to nobody."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from appointments.models import Appointment, Assignment
from appointments.rules import slots
from appointments.rules.slots import Promise, Reason, Wish
from appointments.rules.states import MOVABLE, Status
from appointments.selectors import capacity
from appointments.services.booking import promise_or_refusal
from appointments.services.placing import occupy, place, refused
from appointments.services.record import (
    crew_of,
    locked_visit,
    save_change,
    times_of,
)
from appointments.services.steps import InvalidTransition
from core.actors import Actor
from core.errors import NotFound
from core.walltime import as_instant
from technicians.models import Technician

_TIMES = ("window_starts_at", "window_ends_at", "starts_at", "ends_at")


@transaction.atomic
def reschedule(
    *,
    appointment_id: UUID,
    starts_at: datetime,
    actor: Actor,
    now: datetime,
    technician_id: UUID | None = None,
    reason: str = "",
    expected_version: int | None = None,
) -> Appointment:
    """Move a visit in place to another offered start (R12).

    It keeps its technician if that one is free, else takes the best placed other.
    Its old time is free at once and never blocks it. The promise may be as it was.

    Emits:
        appointment.rescheduled, with the previous times
    Raises:
        InvalidTransition: the work has begun or the visit has ended.
        SlotUnavailable, VersionConflict, NotFound
    """
    visit = locked_visit(
        appointment_id=appointment_id, actor=actor, expected_version=expected_version
    )
    _must_be_movable(visit, to="rescheduled")
    before = _as_it_was(visit)
    current = crew_of(visit)
    wish = _wish_of(visit, now=now)
    promise = promise_or_refusal(wish, as_instant(starts_at, zone=wish.branch.zone))
    _take_off(current)
    _place_again(
        visit, wish=wish, promise=promise, current=current, chosen=technician_id
    )
    visit.status = Status.SCHEDULED
    visit.sequence += 1
    save_change(
        visit,
        fields=[*_TIMES, "status", "sequence"],
        event="appointment.rescheduled",
        actor=actor,
        now=now,
        reason=reason,
        data={"previous": before},
    )
    return visit


@transaction.atomic
def assign(
    *,
    appointment_id: UUID,
    technician_id: UUID,
    actor: Actor,
    now: datetime,
    reason: str = "",
    expected_version: int | None = None,
) -> Appointment:
    """Put this technician on the visit in place of whoever is on it.

    The promise stays; the work moves within the window where it must. Assigning
    the one who is on it already changes nothing.

    Emits:
        appointment.assigned
    Raises:
        SlotUnavailable: the technician cannot do it; `reason` says why.
        InvalidTransition, VersionConflict, NotFound
    """
    visit = locked_visit(
        appointment_id=appointment_id, actor=actor, expected_version=expected_version
    )
    _must_be_movable(visit, to="assigned")
    current = crew_of(visit)
    if [row.technician_id for row in current] == [technician_id]:
        return visit
    before = _as_it_was(visit)
    technician = _locked_technician(technician_id, actor=actor)
    start = _feasible_start(visit, technician=technician, now=now)
    _take_off(current)
    visit.ends_at = start + (visit.ends_at - visit.starts_at)
    visit.starts_at = start
    occupy(visit, wish=_wish_of(visit, now=now), technician_id=technician.pk)
    visit.status = Status.SCHEDULED
    save_change(
        visit,
        fields=["starts_at", "ends_at", "status"],
        event="appointment.assigned",
        actor=actor,
        now=now,
        reason=reason,
        data={"previous": before},
    )
    return visit


@transaction.atomic
def unassign(
    *,
    appointment_id: UUID,
    actor: Actor,
    now: datetime,
    reason: str = "",
    expected_version: int | None = None,
) -> Appointment:
    """Take everybody off the visit. The promise stands; a dispatcher must act.

    Emits:
        appointment.unassigned
    Raises:
        InvalidTransition, VersionConflict, NotFound
    """
    visit = locked_visit(
        appointment_id=appointment_id, actor=actor, expected_version=expected_version
    )
    _must_be_movable(visit, to="unassigned")
    current = crew_of(visit)
    if current:
        before = _as_it_was(visit)
        _take_off(current)
        visit.status = Status.SCHEDULED
        save_change(
            visit,
            fields=["status"],
            event="appointment.unassigned",
            actor=actor,
            now=now,
            reason=reason,
            data={"previous": before},
        )
    return visit


def _must_be_movable(visit: Appointment, *, to: str) -> None:
    if Status(visit.status) not in MOVABLE:
        raise InvalidTransition(
            f"A visit that is {visit.status} cannot be {to}.",
            status=visit.status,
            allowed=[],
        )


def _as_it_was(visit: Appointment) -> dict[str, Any]:
    on_it = visit.assignments.on_the_visit().values_list("technician_id", flat=True)
    return {
        **times_of(visit),
        "status": str(visit.status),
        "technicians": [str(technician_id) for technician_id in on_it],
    }


def _wish_of(visit: Appointment, *, now: datetime) -> Wish:
    return capacity.wish_for(
        service=visit.service,
        location=visit.location,
        postal_code=visit.property.postal_code,
        now=now,
    )


def _take_off(crew: Sequence[Assignment]) -> None:
    """Let the technicians go; the events remember that they were on it."""
    for row in crew:
        row.delete()


def _place_again(
    visit: Appointment,
    *,
    wish: Wish,
    promise: Promise,
    current: Sequence[Assignment],
    chosen: UUID | None,
) -> None:
    """Place the visit with the chosen technician, else its own, else with any."""
    own = [row.technician_id for row in current[:1]]
    choices: list[list[UUID] | None] = [[chosen]] if chosen else [own, None]
    refusal: Reason | None = None
    for technician_ids in choices:
        if technician_ids == []:
            continue
        refusal = place(
            visit, wish=wish, promise=promise, technician_ids=technician_ids
        )
        if refusal is None:
            return
    if refusal is not None:
        raise refused(wish, refusal, after=promise.start)


def _locked_technician(technician_id: UUID, *, actor: Actor) -> Technician:
    technician = (
        Technician.objects.visible_to(actor)
        .select_for_update(no_key=True)
        .filter(pk=technician_id)
        .first()
    )
    if technician is None:
        raise NotFound
    return technician


def _feasible_start(
    visit: Appointment, *, technician: Technician, now: datetime
) -> datetime:
    """Return when this technician can begin: as planned, else within the window.

    Notice and horizon were settled when the promise was made.

    Raises:
        SlotUnavailable: not within the window.
    """
    wish = _wish_of(visit, now=now)
    workers = capacity.workers_for(
        wish=wish,
        days=capacity.days_around(wish, visit.window_starts_at),
        technician_ids=[technician.pk],
        except_visit=visit.pk,
    )
    worker = workers[technician.pk]
    refusal = slots.technician_refusal(wish, worker, visit.starts_at)
    if refusal is None:
        return visit.starts_at
    start = visit.window_starts_at
    while start < visit.window_ends_at:
        if slots.technician_refusal(wish, worker, start) is None:
            return start
        start += slots.GRID
    raise refused(wish, refusal, after=visit.window_starts_at)

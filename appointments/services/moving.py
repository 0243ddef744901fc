"""Move a visit: to another time, to another technician, or to nobody."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from appointments.models import Appointment, Assignment
from appointments.rules import slots
from appointments.rules.slots import (
    Override,
    Placement,
    Promise,
    Reason,
    Wish,
    to_minute,
)
from appointments.rules.states import MOVABLE, Status
from appointments.selectors import capacity
from appointments.services.booking import asked_of, promise_or_refusal
from appointments.services.locking import lock_technicians
from appointments.services.overrides import as_data, require_permitted
from appointments.services.placing import place
from appointments.services.record import (
    crew_of,
    locked_visit,
    save_change,
    times_of,
)
from appointments.services.refusals import refused
from appointments.services.steps import InvalidTransition
from core.actors import Actor
from core.errors import NotFound
from core.walltime import as_instant, local_date
from technicians.models import Technician

_PLAN = ("window_starts_at", "window_ends_at", "starts_at", "ends_at", "zone")


@transaction.atomic
def reschedule(
    *,
    appointment_id: UUID,
    starts_at: datetime,
    actor: Actor,
    now: datetime,
    technician_id: UUID | None = None,
    override: frozenset[Override] = frozenset(),
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
        Forbidden, ReasonRequired: of an override.
    """
    require_permitted(override, reason=reason, actor=actor)
    visit = locked_visit(
        appointment_id=appointment_id, actor=actor, expected_version=expected_version
    )
    must_be_movable(visit, to="rescheduled")
    before = as_it_was(visit)
    current = crew_of(visit)
    wish = capacity.wish_of(visit, now=now, override=override)
    promise = promise_or_refusal(wish, as_instant(starts_at, zone=wish.branch.zone))
    visit.window_starts_at, visit.window_ends_at = promise.starts_at, promise.ends_at
    _place_again(
        visit, wish=wish, promise=promise, current=current, chosen=technician_id
    )
    visit.status = Status.SCHEDULED
    visit.sequence += 1
    save_change(
        visit,
        fields=[*_PLAN, "status", "sequence"],
        event="appointment.rescheduled",
        actor=actor,
        now=now,
        reason=reason,
        data={"previous": before} | as_data(override),
    )
    return visit


@transaction.atomic
def assign(
    *,
    appointment_id: UUID,
    technician_id: UUID,
    actor: Actor,
    now: datetime,
    override: frozenset[Override] = frozenset(),
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
        Forbidden, ReasonRequired: of an override.
    """
    require_permitted(override, reason=reason, actor=actor)
    visit = locked_visit(
        appointment_id=appointment_id, actor=actor, expected_version=expected_version
    )
    must_be_movable(visit, to="assigned")
    current = crew_of(visit)
    if [row.technician_id for row in current] == [technician_id]:
        return visit
    before = as_it_was(visit)
    _must_be_visible(technician_id, actor=actor)
    _put_on(visit, technician_id=technician_id, override=override, now=now)
    visit.status = Status.SCHEDULED
    save_change(
        visit,
        fields=["starts_at", "ends_at", "zone", "status"],
        event="appointment.assigned",
        actor=actor,
        now=now,
        reason=reason,
        data={"previous": before} | as_data(override),
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
    must_be_movable(visit, to="unassigned")
    current = crew_of(visit)
    if current:
        before = as_it_was(visit)
        take_off(current)
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


def must_be_movable(visit: Appointment, *, to: str) -> None:
    """Refuse a visit whose work has begun or that has ended.

    Raises:
        InvalidTransition
    """
    if Status(visit.status) not in MOVABLE:
        raise InvalidTransition(
            f"A visit that is {visit.status} cannot be {to}.",
            status=visit.status,
            allowed=[],
        )


def as_it_was(visit: Appointment) -> dict[str, Any]:
    """Return what an event tells of the visit before the change."""
    on_it = visit.assignments.on_the_visit().values_list("technician_id", flat=True)
    return {
        **times_of(visit),
        "status": str(visit.status),
        "technicians": [str(technician_id) for technician_id in on_it],
    }


def take_off(crew: Sequence[Assignment]) -> None:
    """Let the technicians go; the events remember that they were on it.

    Who gives time back holds the technicians' locks, as who takes it does.
    """
    lock_technicians({row.technician_id for row in crew})
    Assignment.objects.filter(pk__in=[row.pk for row in crew]).delete()


def _place_again(
    visit: Appointment,
    *,
    wish: Wish,
    promise: Promise,
    current: Sequence[Assignment],
    chosen: UUID | None,
) -> None:
    """Place the visit with the chosen technician, else its own, else with any."""
    own = [row.technician_id for row in current]
    outcome: Placement | Reason = Reason.BUSY
    if chosen is not None:
        outcome = place(visit, wish=wish, promise=promise, **asked_of(wish, chosen))
    else:
        if own:
            outcome = place(visit, wish=wish, promise=promise, technician_ids=own)
        if isinstance(outcome, Reason):
            outcome = place(visit, wish=wish, promise=promise)
    if isinstance(outcome, Reason):
        raise refused(wish, outcome, after=promise.starts_at)


def _must_be_visible(technician_id: UUID, *, actor: Actor) -> None:
    if not Technician.objects.visible_to(actor).filter(pk=technician_id).exists():
        raise NotFound


def _put_on(
    visit: Appointment,
    *,
    technician_id: UUID,
    override: frozenset[Override],
    now: datetime,
) -> None:
    """Put the technician on the visit: as planned, else within its window.

    Raises:
        SlotUnavailable: not within the window.
    """
    wish = capacity.wish_of(visit, now=now, override=override)
    wish = replace(wish, is_settled=True)
    day = local_date(visit.window_starts_at, zone=wish.branch.zone)
    planned, first, end = map(
        to_minute, (visit.starts_at, visit.window_starts_at, visit.window_ends_at)
    )
    as_planned = Promise(planned, planned + slots.EXACT_PROMISE, day)
    asked = asked_of(wish, technician_id)
    if isinstance(place(visit, wish=wish, promise=as_planned, **asked), Placement):
        return
    outcome = place(visit, wish=wish, promise=Promise(first, end, day), **asked)
    if isinstance(outcome, Reason):
        # What else could be booked is for a new promise: notice and caps count again.
        wish = replace(wish, is_settled=False)
        raise refused(wish, outcome, after=visit.window_starts_at)

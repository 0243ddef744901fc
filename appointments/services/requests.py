"""Answer a request: approve it, or decline it."""

from dataclasses import replace
from datetime import datetime
from typing import NoReturn
from uuid import UUID

from django.db import transaction

from appointments.models import Appointment
from appointments.rules.slots import Override, Promise, Reason, Wish, to_minute
from appointments.rules.states import LATER, Status
from appointments.selectors import capacity
from appointments.services.booking import asked_of
from appointments.services.overrides import as_data, require_permitted
from appointments.services.placing import place
from appointments.services.record import crew_of, locked_visit, save_change
from appointments.services.refusals import refused
from appointments.services.steps import InvalidTransition
from core.actors import Actor
from core.walltime import local_date

# Settled with the customer when he asked. The day may have filled up since.
_SETTLED = frozenset({Override.NOTICE, Override.HORIZON})


@transaction.atomic
def approve(
    *,
    appointment_id: UUID,
    actor: Actor,
    now: datetime,
    technician_id: UUID | None = None,
    override: frozenset[Override] = frozenset(),
    reason: str = "",
    expected_version: int | None = None,
) -> Appointment:
    """Book what was asked for, with the technician best placed to do it.

    Several may have asked for the same slot: whoever is approved first has it, and
    the others stay requests. Approving once more changes nothing.

    Emits:
        appointment.approved
    Raises:
        SlotUnavailable: nobody can keep that promise any more.
        InvalidTransition, VersionConflict, NotFound
        Forbidden, ReasonRequired: of an override.
    """
    require_permitted(override, reason=reason, actor=actor)
    visit = locked_visit(
        appointment_id=appointment_id, actor=actor, expected_version=expected_version
    )
    if _is_approved(visit, technician_id=technician_id):
        return visit
    if visit.status != Status.REQUESTED:
        _refuse(visit, to="approved")
    wish = capacity.wish_of(visit, override=override | _SETTLED, now=now)
    _place(visit, wish=wish, technician_id=technician_id)
    visit.status = Status.SCHEDULED
    save_change(
        visit,
        fields=["starts_at", "ends_at", "zone", "status"],
        event="appointment.approved",
        actor=actor,
        now=now,
        reason=reason,
        data={"previous": {"status": Status.REQUESTED.value}} | as_data(override),
    )
    return visit


@transaction.atomic
def decline(
    *,
    appointment_id: UUID,
    reason: str,
    actor: Actor,
    now: datetime,
    expected_version: int | None = None,
) -> Appointment:
    """Say no to a request; the customer is told. Declining twice changes nothing.

    Emits:
        appointment.declined
    Raises:
        InvalidTransition: it was approved; that visit can be cancelled.
        VersionConflict, NotFound
    """
    visit = locked_visit(
        appointment_id=appointment_id, actor=actor, expected_version=expected_version
    )
    if visit.status == Status.CANCELLED:
        return visit
    if visit.status != Status.REQUESTED:
        _refuse(visit, to="declined")
    visit.status, visit.cancellation_reason = Status.CANCELLED, reason
    save_change(
        visit,
        fields=["status", "cancellation_reason"],
        event="appointment.declined",
        actor=actor,
        now=now,
        reason=reason,
        data={"previous": {"status": Status.REQUESTED.value}},
    )
    return visit


def _is_approved(visit: Appointment, *, technician_id: UUID | None) -> bool:
    """Tell whether the visit is already as approving it would make it."""
    if visit.status != Status.SCHEDULED:
        return False
    crew = {row.technician_id for row in crew_of(visit)}
    return bool(crew) and technician_id in {None, *crew}


def _place(visit: Appointment, *, wish: Wish, technician_id: UUID | None) -> None:
    promise = Promise(
        to_minute(visit.window_starts_at),
        to_minute(visit.window_ends_at),
        local_date(visit.window_starts_at, zone=wish.branch.zone),
    )
    outcome = place(visit, wish=wish, promise=promise, **asked_of(wish, technician_id))
    if isinstance(outcome, Reason):
        # What else could be booked is for a new promise: notice counts again.
        anew = replace(wish, overridden=wish.overridden - _SETTLED)
        raise refused(anew, outcome, after=promise.starts_at)


def _refuse(visit: Appointment, *, to: str) -> NoReturn:
    raise InvalidTransition(
        f"A visit that is {visit.status} cannot be {to}.",
        status=str(visit.status),
        allowed=sorted(LATER[Status(visit.status)]),
    )

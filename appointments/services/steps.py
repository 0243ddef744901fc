"""Move a visit along its states, by its technicians' steps or as a whole."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction

from appointments.models import Appointment, Assignment
from appointments.rules.states import (
    LATER,
    LATER_STEPS,
    OPEN,
    STEP_TO,
    Status,
    Step,
    visit_status,
)
from appointments.services.locking import lock_technicians
from appointments.services.record import (
    crew_of,
    locked_visit,
    save_change,
)
from core.actors import Actor, Role
from core.errors import Conflict, Rejected

# Ends that need to be explained.
_NEEDS_REASON = frozenset({Status.INCOMPLETE, Status.NO_SHOW, Status.CANCELLED})


class InvalidTransition(Conflict):
    """That step does not follow from the present state; `allowed` says what does."""

    code = "invalid_transition"
    title = "Not possible from this state"


@transaction.atomic
def change_status(
    *,
    appointment_id: UUID,
    to: Status | Step,
    actor: Actor,
    now: datetime,
    reason: str = "",
    technician_id: UUID | None = None,
    expected_version: int | None = None,
) -> Appointment:
    """Take the next step of a visit; taking it twice changes nothing.

    A technician takes his own steps; the visit follows from all of theirs. Staff
    step for `technician_id`, or for everybody on the visit. `completed` by staff or
    by the lead technician closes the visit for all.

    Emits:
        appointment.status_changed (appointment.cancelled for a cancellation)

    Raises:
        InvalidTransition: with `allowed`.
        Rejected: the step needs a reason.
        VersionConflict, NotFound
    """
    visit = locked_visit(
        appointment_id=appointment_id, actor=actor, expected_version=expected_version
    )
    crew = crew_of(visit)
    own = _whose_step(crew, actor=actor, technician_id=technician_id)
    if _already_there(visit, own, to):
        return visit
    if to in _NEEDS_REASON and not reason:
        raise Rejected(f"Say why: {to} needs a reason.")
    before = visit.status
    if isinstance(to, Status) and (to not in STEP_TO or _closes(to, own, actor)):
        _end(visit, crew, to=to, reason=reason, now=now)
    else:
        step = to if isinstance(to, Step) else STEP_TO[to]
        _step(visit, crew, own, step=step, now=now)
    save_change(
        visit,
        fields=["status", "cancellation_reason"],
        event=_event_of(visit),
        actor=actor,
        now=now,
        reason=reason,
        data={
            "previous": {"status": before},
            "steps": {str(row.technician_id): str(row.status) for row in crew},
        },
    )
    return visit


def _event_of(visit: Appointment) -> str:
    if visit.status == Status.CANCELLED:
        return "appointment.cancelled"
    return "appointment.status_changed"


def cancel(
    *,
    appointment_id: UUID,
    reason: str,
    actor: Actor,
    now: datetime,
    expected_version: int | None = None,
) -> Appointment:
    """Call a visit off; its time is free at once.

    Emits:
        appointment.cancelled
    Raises:
        InvalidTransition: the work has begun or the visit has ended otherwise.
        VersionConflict, NotFound
    """
    return change_status(
        appointment_id=appointment_id,
        to=Status.CANCELLED,
        reason=reason,
        actor=actor,
        now=now,
        expected_version=expected_version,
    )


def _whose_step(
    crew: Sequence[Assignment], *, actor: Actor, technician_id: UUID | None
) -> list[Assignment]:
    """Return the assignments that the step is about."""
    if actor.role is Role.TECHNICIAN:
        technician_id = actor.technician_id
    if technician_id is None:
        return list(crew)
    return [row for row in crew if row.technician_id == technician_id]


def _already_there(
    visit: Appointment, own: Iterable[Assignment], to: Status | Step
) -> bool:
    if isinstance(to, Status) and visit.status == to:
        return True
    step = to if isinstance(to, Step) else STEP_TO.get(to)
    steps = [row.status for row in own]
    return bool(steps) and all(status == step for status in steps)


def _closes(to: Status, own: Sequence[Assignment], actor: Actor) -> bool:
    """Tell whether `completed` closes the visit for the whole crew."""
    if to is not Status.COMPLETED:
        return False
    return actor.role is not Role.TECHNICIAN or any(row.is_lead for row in own)


def _end(
    visit: Appointment,
    crew: Sequence[Assignment],
    *,
    to: Status,
    reason: str,
    now: datetime,
) -> None:
    """End the visit as a whole, and let its technicians go."""
    allowed = LATER[Status(visit.status)]
    if to not in allowed:
        raise _invalid(visit.status, to, allowed)
    visit.status = to
    if to is Status.CANCELLED:
        visit.cancellation_reason = reason
    for row in crew:
        if to is Status.COMPLETED:
            row.status = Step.DONE
        row.released_at = row.released_at or now
    _write(crew, now=now)


def _step(
    visit: Appointment,
    crew: Sequence[Assignment],
    own: Sequence[Assignment],
    *,
    step: Step,
    now: datetime,
) -> None:
    """Take a technician's step, and let the visit follow."""
    if Status(visit.status) not in OPEN:
        raise _invalid(visit.status, step, [])
    if not own:
        raise _invalid("unassigned", step, LATER[Status(visit.status)] - set(STEP_TO))
    for row in own:
        allowed = LATER_STEPS[Step(row.status)]
        if step != row.status and step not in allowed:
            raise _invalid(row.status, step, allowed)
        row.status = step
        if step in {Step.DECLINED, Step.DONE}:
            row.released_at = now
    _write(own, now=now)
    visit.status = visit_status(Step(row.status) for row in crew)


def _write(rows: Sequence[Assignment], *, now: datetime) -> None:
    """Write what became of the technicians, in one statement.

    Whoever gives time back holds the technicians' locks, as who takes it does. Else
    two crews could lock their packed days crosswise, and wait in a circle.
    """
    if any(row.released_at for row in rows):
        lock_technicians({row.technician_id for row in rows})
    for row in rows:
        row.updated_at = now
    Assignment.objects.bulk_update(rows, ["status", "released_at", "updated_at"])


def _invalid(current: str, wanted: str, allowed: Iterable[str]) -> InvalidTransition:
    return InvalidTransition(
        f"{wanted} does not follow {current}.",
        status=str(current),
        allowed=sorted(str(status) for status in allowed),
    )

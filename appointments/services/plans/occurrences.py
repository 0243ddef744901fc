"""What a dispatcher does with one occurrence, and what its visit's end means."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from appointments.models import PlanOccurrence
from appointments.rules.plans import WAITING, OccurrenceState, PlanState
from appointments.rules.slots import Override
from appointments.rules.states import Status
from appointments.services.booking import BookingRequest, book
from appointments.services.plans.attempts import SOURCE, attempt, mark_booked
from appointments.services.plans.record import locked_occurrence, save_occurrence
from appointments.services.steps import InvalidTransition
from core.actors import SYSTEM, Actor
from core.errors import NotFound

BY_OFFICE = "by_office"

_UNBOOKED = WAITING | {OccurrenceState.SKIPPED}
# What the end of a visit makes of its occurrence, and why.
_ENDS = {
    Status.COMPLETED: (OccurrenceState.DONE, ""),
    Status.CANCELLED: (OccurrenceState.SKIPPED, "visit_cancelled"),
    Status.NO_SHOW: (OccurrenceState.SKIPPED, "visit_no_show"),
    Status.INCOMPLETE: (OccurrenceState.SKIPPED, "visit_incomplete"),
}


@transaction.atomic
def book_occurrence(
    *,
    occurrence_id: UUID,
    starts_at: datetime,
    actor: Actor,
    now: datetime,
    technician_id: UUID | None = None,
    override: frozenset[Override] = frozenset(),
    reason: str = "",
    expected_version: int | None = None,
) -> PlanOccurrence:
    """Book the visit by hand at an offered start, inside of its period or not.

    Soft rules may be set aside as for any booking (R9).

    Emits:
        appointment.booked, plan.occurrence_booked
    Raises:
        InvalidTransition: it is booked or done, or the plan has ended.
        SlotUnavailable: nobody can keep that promise.
        NonexistentLocalTime, AmbiguousLocalTime: of a naive `starts_at`.
        Forbidden, ReasonRequired: of the override.
        VersionConflict, NotFound
    """
    occurrence = locked_occurrence(
        occurrence_id=occurrence_id, actor=actor, expected_version=expected_version
    )
    plan = occurrence.plan
    if occurrence.state not in _UNBOOKED or plan.state == PlanState.ENDED:
        raise _refused(occurrence, to="booked")
    request = BookingRequest(
        service=plan.service,
        starts_at=starts_at,
        property=plan.property,
        location=plan.location,
        technician_id=technician_id,
        source=SOURCE,
        notes=plan.notes,
        override=override,
        reason=reason,
    )
    visit = book(request=request, actor=actor, now=now)
    mark_booked(occurrence, visit=visit, actor=actor, now=now)
    return occurrence


@transaction.atomic
def skip_occurrence(
    *,
    occurrence_id: UUID,
    actor: Actor,
    now: datetime,
    reason: str = "",
    expected_version: int | None = None,
) -> PlanOccurrence:
    """Do without the visit of this period; skipping it twice changes nothing.

    Emits:
        plan.occurrence_skipped
    Raises:
        InvalidTransition: it is booked (then cancel the visit) or done.
        VersionConflict, NotFound
    """
    occurrence = locked_occurrence(
        occurrence_id=occurrence_id, actor=actor, expected_version=expected_version
    )
    if occurrence.state not in _UNBOOKED:
        raise _refused(occurrence, to="skipped")
    if (occurrence.state, occurrence.reason) != (OccurrenceState.SKIPPED, BY_OFFICE):
        occurrence.reason, occurrence.note = BY_OFFICE, reason
        save_occurrence(
            occurrence, to=OccurrenceState.SKIPPED, actor=actor, now=now, reason=reason
        )
    return occurrence


@transaction.atomic
def retry_occurrence(
    *,
    occurrence_id: UUID,
    actor: Actor,
    now: datetime,
    expected_version: int | None = None,
) -> PlanOccurrence:
    """Let the generator try again, at once: also what was skipped or fell through.

    Emits:
        plan.occurrence_due for what was skipped; then see `attempt`
    Raises:
        InvalidTransition: it is booked or done, or the plan is not active.
        VersionConflict, NotFound
    """
    occurrence = locked_occurrence(
        occurrence_id=occurrence_id, actor=actor, expected_version=expected_version
    )
    if occurrence.state not in _UNBOOKED or occurrence.plan.state != PlanState.ACTIVE:
        raise _refused(occurrence, to="tried again")
    if occurrence.state == OccurrenceState.SKIPPED:
        # What the customer called off is his history, no longer this visit.
        occurrence.appointment = None
        occurrence.reason, occurrence.note, occurrence.alternatives = "", "", []
        save_occurrence(occurrence, to=OccurrenceState.DUE, actor=actor, now=now)
    attempt(occurrence, actor=actor, now=now)
    return occurrence


@transaction.atomic
def close_occurrence(*, appointment_id: UUID, now: datetime) -> None:
    """Let an occurrence follow the end of its visit; again changes nothing.

    A visit that was called off is not booked anew by itself: whoever cancels does
    not want the next confirmation. It waits for a dispatcher instead.

    Emits:
        plan.occurrence_done, plan.occurrence_skipped
    """
    found = PlanOccurrence.objects.filter(appointment=appointment_id)
    occurrence_id = found.values_list("pk", flat=True).first()
    if occurrence_id is None:
        return
    try:
        occurrence = locked_occurrence(occurrence_id=occurrence_id, actor=SYSTEM)
    except NotFound:
        return
    visit = occurrence.appointment
    if occurrence.state != OccurrenceState.BOOKED or visit is None:
        return
    if visit.pk == appointment_id and Status(visit.status) in _ENDS:
        state, occurrence.reason = _ENDS[Status(visit.status)]
        save_occurrence(occurrence, to=state, actor=SYSTEM, now=now)


def _refused(occurrence: PlanOccurrence, *, to: str) -> InvalidTransition:
    plan = occurrence.plan
    if occurrence.state in _UNBOOKED:
        sentence = f"The plan is {plan.state}: nothing of it can be {to}."
    else:
        sentence = f"A visit that is {occurrence.state} cannot be {to}."
    return InvalidTransition(sentence, status=occurrence.state, allowed=[])

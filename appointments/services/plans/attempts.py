"""Try to book one occurrence of a plan. For the services beside it."""

from datetime import datetime
from enum import StrEnum

from appointments.models import Appointment, PlanOccurrence
from appointments.rules.plans import OccurrenceState, Offer
from appointments.rules.slots import Reason
from appointments.selectors import plans
from appointments.selectors.plans import Choice
from appointments.services.booking import BookingRequest, SlotUnavailable, book
from appointments.services.plans.record import save_occurrence
from core.actors import Actor

SOURCE = "plan"

# Each round somebody else took the time between our look and our booking.
_ROUNDS = 3


class Outcome(StrEnum):
    """What a run did for an occurrence."""

    OPENED = "opened"
    BOOKED = "booked"
    CONFLICT = "conflict"
    WAITS = "waits"  # better times may still come within the horizon
    OVER = "over"
    ELSEWHERE = "elsewhere"  # somebody else is at it


def attempt(occurrence: PlanOccurrence, *, actor: Actor, now: datetime) -> Outcome:
    """Book the best time that the plan tolerates, or say why there is none.

    Needs a transaction that holds the plan's lock.

    Emits:
        plan.occurrence_booked, or at a change of state plan.occurrence_conflict or
        plan.occurrence_skipped
    """
    occurrence.tried_at = now
    for _ in range(_ROUNDS):
        choice = plans.choice_for(plan=occurrence.plan, occurrence=occurrence, now=now)
        if choice.offer is None:
            return _leave(occurrence, choice, actor=actor, now=now)
        visit = _book(occurrence, choice.offer, actor=actor, now=now)
        if visit is not None:
            mark_booked(occurrence, visit=visit, actor=actor, now=now)
            return Outcome.BOOKED
    return _leave(occurrence, Choice(reason=Reason.BUSY), actor=actor, now=now)


def mark_booked(
    occurrence: PlanOccurrence, *, visit: Appointment, actor: Actor, now: datetime
) -> None:
    """Let this visit be the occurrence's.

    Emits:
        plan.occurrence_booked
    """
    occurrence.appointment = visit
    occurrence.reason, occurrence.note, occurrence.alternatives = "", "", []
    save_occurrence(occurrence, to=OccurrenceState.BOOKED, actor=actor, now=now)


def _book(
    occurrence: PlanOccurrence, offer: Offer, *, actor: Actor, now: datetime
) -> Appointment | None:
    """Book the offer with the plan's technician, else with any; None if it is gone."""
    plan = occurrence.plan
    technicians = [plan.technician_id, None] if offer.by_preferred else [None]
    for technician_id in technicians:
        request = BookingRequest(
            service=plan.service,
            starts_at=offer.starts_at,
            property=plan.property,
            location=plan.location,
            technician_id=technician_id,
            source=SOURCE,
            notes=plan.notes,
        )
        try:
            return book(request=request, actor=actor, now=now)
        except SlotUnavailable:
            continue
    return None


def _leave(
    occurrence: PlanOccurrence, choice: Choice, *, actor: Actor, now: datetime
) -> Outcome:
    """Write down why it could not be booked; only a new state is an event."""
    if not choice.reason:
        occurrence.save(update_fields=["tried_at", "updated_at"])
        return Outcome.WAITS
    zone = occurrence.plan.location.time_zone
    occurrence.reason = choice.reason
    occurrence.alternatives = [
        offer.starts_at.astimezone(zone).isoformat() for offer in choice.alternatives
    ]
    if choice.reason == plans.PERIOD_OVER:
        save_occurrence(occurrence, to=OccurrenceState.SKIPPED, actor=actor, now=now)
        return Outcome.OVER
    if occurrence.state == OccurrenceState.CONFLICT:
        # Still the same state: no event, and no new version to trip a dispatcher up.
        occurrence.save(
            update_fields=["reason", "alternatives", "tried_at", "updated_at"]
        )
    else:
        save_occurrence(occurrence, to=OccurrenceState.CONFLICT, actor=actor, now=now)
    return Outcome.CONFLICT

"""What the app itself makes of its events."""

from uuid import UUID

from appointments.rules.states import Status
from appointments.services import plans, relocate_visits
from core.models import Event

_ENDED = {Status.COMPLETED, Status.CANCELLED, Status.NO_SHOW, Status.INCOMPLETE}


def close_plan_occurrence(event: Event) -> None:
    """Let the occurrence of a maintenance plan follow the end of its visit."""
    if Status(event.data["status"]) in _ENDED:
        plans.close_occurrence(appointment_id=event.aggregate_id, now=event.occurred_at)


def relocate_property(event: Event) -> None:
    """Let visits be where their property was found to be."""
    relocate_visits(property_id=UUID(event.data["property"]), now=event.occurred_at)

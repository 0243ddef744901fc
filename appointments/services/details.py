"""Change what is said about a visit, not when or by whom it is done."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from appointments.models import Appointment
from appointments.services.record import locked_visit, save_change
from core.actors import Actor


@transaction.atomic
def update_notes(
    *,
    appointment_id: UUID,
    notes: str,
    actor: Actor,
    now: datetime,
    expected_version: int | None = None,
) -> Appointment:
    """Replace the notes; the same notes again change nothing.

    Emits:
        appointment.updated
    Raises:
        VersionConflict, NotFound
    """
    visit = locked_visit(
        appointment_id=appointment_id, actor=actor, expected_version=expected_version
    )
    if visit.notes != notes:
        visit.notes = notes
        save_change(
            visit, fields=["notes"], event="appointment.updated", actor=actor, now=now
        )
    return visit

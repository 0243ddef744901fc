"""Lock a visit, and write down what became of it. For the services beside it."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from appointments.models import Appointment, Assignment
from core.actors import Actor
from core.errors import NotFound, VersionConflict
from core.events import emit


def locked_visit(
    *, appointment_id: UUID, actor: Actor, expected_version: int | None
) -> Appointment:
    """Return the visit with its row locked until the transaction ends.

    Raises:
        NotFound: there is none that the actor may see.
        VersionConflict: it changed since the caller read it.
    """
    visible = Appointment.objects.visible_to(actor)
    visit = (
        visible.select_for_update(no_key=True, of=("self",))
        .select_related("location", "service", "customer", "property")
        .filter(pk=appointment_id)
        .first()
    )
    if visit is None:
        raise NotFound
    if expected_version is not None and expected_version != visit.version:
        raise VersionConflict(
            f"The visit is at version {visit.version}.", current=visit
        )
    return visit


def crew_of(visit: Appointment) -> list[Assignment]:
    """Return who is on the visit, or was until its end; the lead technician first.

    Whoever was taken off leaves no row behind: the events tell of him.
    """
    return list(
        visit.assignments.on_the_visit()
        .select_related("technician")
        .order_by("-is_lead", "created_at")
    )


def save_change(
    visit: Appointment,
    *,
    fields: Iterable[str],
    event: str,
    actor: Actor,
    now: datetime,
    reason: str = "",
    data: dict[str, Any] | None = None,
) -> None:
    """Save `fields` of a locked visit as its next version, and emit the event."""
    visit.version += 1
    visit.save(update_fields=[*fields, "version", "updated_at"])
    emit_about(visit, event, actor=actor, now=now, reason=reason, data=data)


def emit_about(
    visit: Appointment,
    event: str,
    *,
    actor: Actor,
    now: datetime,
    reason: str = "",
    data: dict[str, Any] | None = None,
    technicians: Sequence[UUID] | None = None,
) -> None:
    """Emit an event that shows the visit as it now is, and `data` beside it.

    `technicians` are those on it, where the caller knows; the lead technician first.
    """
    emit(
        event,
        of=("appointment", visit.pk),
        actor=actor,
        now=now,
        reason=reason,
        location_id=visit.location_id,
        data={**snapshot(visit, technicians=technicians), **(data or {})},
    )


def snapshot(
    visit: Appointment, *, technicians: Sequence[UUID] | None = None
) -> dict[str, Any]:
    """Return what subscribers are told of a visit: no personal data, only ids."""
    if technicians is None:
        technicians = _technicians_of(visit)
    return {
        "id": str(visit.pk),
        "reference": visit.reference,
        "version": visit.version,
        "status": str(visit.status),
        "location": str(visit.location_id),
        "service": visit.service.code,
        "customer": str(visit.customer_id),
        "property": str(visit.property_id),
        "lead": str(visit.lead_id) if visit.lead_id else None,
        "technicians": list(map(str, technicians)),
        **times_of(visit),
        "sequence": visit.sequence,
    }


def _technicians_of(visit: Appointment) -> list[UUID]:
    rows = visit.assignments.on_the_visit().filter(part=0)
    first = rows.order_by("-is_lead", "created_at")
    return list(first.values_list("technician_id", flat=True))


def times_of(visit: Appointment) -> dict[str, str]:
    """Return promise and plan by the wall clock of the branch, with its offset."""
    zone = visit.location.time_zone
    moments = ("window_starts_at", "window_ends_at", "starts_at", "ends_at")
    return {
        **{name: getattr(visit, name).astimezone(zone).isoformat() for name in moments},
        "time_zone": zone.key,
    }

"""Lock a plan, and write down what became of it. For the services beside it."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from appointments.models import MaintenancePlan, PlanOccurrence
from appointments.rules.plans import OccurrenceState
from core.actors import Actor
from core.errors import NotFound, VersionConflict
from core.events import emit

_PARTS = ("location", "service", "customer", "property__customer", "technician")


def locked_plan(
    *, plan_id: UUID, actor: Actor, expected_version: int | None = None
) -> MaintenancePlan:
    """Return the plan with its row locked until the transaction ends.

    Raises:
        NotFound: there is none that the actor may see.
        VersionConflict: it changed since the caller read it.
    """
    plan = (
        MaintenancePlan.objects.visible_to(actor)
        .select_for_update(no_key=True, of=("self",))
        .select_related(*_PARTS)
        .filter(pk=plan_id)
        .first()
    )
    if plan is None:
        raise NotFound
    if expected_version is not None and expected_version != plan.version:
        raise VersionConflict(f"The plan is at version {plan.version}.", current=plan)
    return plan


def locked_occurrence(
    *, occurrence_id: UUID, actor: Actor, expected_version: int | None = None
) -> PlanOccurrence:
    """Return the occurrence, its plan's row locked until the transaction ends.

    Raises:
        NotFound: there is none that the actor may see.
        VersionConflict: it changed since the caller read it.
    """
    found = PlanOccurrence.objects.filter(pk=occurrence_id)
    plan_id = found.values_list("plan_id", flat=True).first()
    if plan_id is None:
        raise NotFound
    plan = locked_plan(plan_id=plan_id, actor=actor)
    # Read again, now that it stands still: it may even be gone.
    occurrence = found.select_related("appointment").first()
    if occurrence is None:
        raise NotFound
    occurrence.plan = plan
    if expected_version is not None and expected_version != occurrence.version:
        raise VersionConflict(
            f"The occurrence is at version {occurrence.version}.", current=occurrence
        )
    return occurrence


def unlocked_plan_of(occurrence_id: UUID) -> MaintenancePlan | None:
    """Lock the plan of an occurrence, unless somebody else is at it."""
    return (
        MaintenancePlan.objects.filter(occurrences=occurrence_id)
        .select_for_update(no_key=True, skip_locked=True, of=("self",))
        .select_related(*_PARTS)
        .first()
    )


def save_plan(
    plan: MaintenancePlan,
    *,
    fields: Iterable[str],
    event: str,
    actor: Actor,
    now: datetime,
    reason: str = "",
    data: dict[str, Any] | None = None,
) -> None:
    """Save `fields` of a locked plan as its next version, and emit the event."""
    plan.version += 1
    plan.save(update_fields=[*fields, "version", "updated_at"])
    emit_about(plan, event, actor=actor, now=now, reason=reason, data=data)


def save_occurrence(
    occurrence: PlanOccurrence,
    *,
    to: OccurrenceState,
    actor: Actor,
    now: datetime,
    reason: str = "",
) -> None:
    """Save an occurrence in that state as its next version, and emit the event."""
    occurrence.state = to
    occurrence.version += 1
    occurrence.save()
    emit_about(
        occurrence.plan,
        f"plan.occurrence_{to}",
        actor=actor,
        now=now,
        reason=reason,
        data={"occurrence": _snapshot_of(occurrence)},
    )


def emit_about(
    plan: MaintenancePlan,
    event: str,
    *,
    actor: Actor,
    now: datetime,
    reason: str = "",
    data: dict[str, Any] | None = None,
) -> None:
    """Emit an event that shows the plan as it now is, and `data` beside it."""
    emit(
        event,
        of=("plan", plan.pk),
        actor=actor,
        now=now,
        reason=reason,
        location_id=plan.location_id,
        data={**snapshot(plan), **(data or {})},
    )


def snapshot(plan: MaintenancePlan) -> dict[str, Any]:
    """Return what subscribers are told of a plan: no personal data, only ids."""
    return {
        "id": str(plan.pk),
        "reference": plan.reference,
        "version": plan.version,
        "state": str(plan.state),
        "location": str(plan.location_id),
        "service": plan.service.code,
        "customer": str(plan.customer_id),
        "property": str(plan.property_id),
        "technician": plan.technician_id and str(plan.technician_id),
    }


def _snapshot_of(occurrence: PlanOccurrence) -> dict[str, Any]:
    visit = occurrence.appointment_id
    return {
        "id": str(occurrence.pk),
        "period": occurrence.period,
        "state": str(occurrence.state),
        "reason": occurrence.reason,
        "first_day": occurrence.first_day.isoformat(),
        "last_day": occurrence.last_day.isoformat(),
        "appointment": visit and str(visit),
    }

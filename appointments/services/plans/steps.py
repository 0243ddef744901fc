"""Let a plan rest, go on, or end."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from appointments.models import MaintenancePlan
from appointments.rules.plans import WAITING, OccurrenceState, PlanState
from appointments.services.plans.record import locked_plan, save_plan
from appointments.services.steps import InvalidTransition
from core.actors import Actor
from core.hints import ring

PLAN_ENDED = "plan_ended"
GENERATE = "appointments.tasks.generate_plan_visits"

_LATER = {
    PlanState.ACTIVE: [PlanState.ENDED, PlanState.PAUSED],
    PlanState.PAUSED: [PlanState.ACTIVE, PlanState.ENDED],
    PlanState.ENDED: [],
}


def pause(
    *,
    plan_id: UUID,
    actor: Actor,
    now: datetime,
    reason: str = "",
    expected_version: int | None = None,
) -> MaintenancePlan:
    """Let the plan book nothing for a while; what is booked stays.

    Emits:
        plan.paused
    Raises:
        InvalidTransition: the plan has ended.
        VersionConflict, NotFound
    """
    return _move(
        plan_id,
        to=PlanState.PAUSED,
        event="plan.paused",
        actor=actor,
        now=now,
        reason=reason,
        expected_version=expected_version,
    )


def resume(
    *,
    plan_id: UUID,
    actor: Actor,
    now: datetime,
    reason: str = "",
    expected_version: int | None = None,
) -> MaintenancePlan:
    """Let a paused plan book again, from the period that runs on.

    Emits:
        plan.resumed
    Raises:
        InvalidTransition: the plan has ended.
        VersionConflict, NotFound
    """
    return _move(
        plan_id,
        to=PlanState.ACTIVE,
        event="plan.resumed",
        actor=actor,
        now=now,
        reason=reason,
        expected_version=expected_version,
    )


def end(
    *,
    plan_id: UUID,
    actor: Actor,
    now: datetime,
    reason: str = "",
    expected_version: int | None = None,
) -> MaintenancePlan:
    """End the plan for good. Visits that are booked stay, for the office to decide.

    Emits:
        plan.ended
    Raises:
        VersionConflict, NotFound
    """
    return _move(
        plan_id,
        to=PlanState.ENDED,
        event="plan.ended",
        actor=actor,
        now=now,
        reason=reason,
        expected_version=expected_version,
    )


@transaction.atomic
def _move(
    plan_id: UUID,
    *,
    to: PlanState,
    event: str,
    actor: Actor,
    now: datetime,
    reason: str,
    expected_version: int | None,
) -> MaintenancePlan:
    plan = locked_plan(plan_id=plan_id, actor=actor, expected_version=expected_version)
    if plan.state == to:
        return plan
    if to not in _LATER[PlanState(plan.state)]:
        raise refused(plan, to=to)
    if to is PlanState.ENDED:
        _skip_what_waits(plan)
    plan.state = to
    save_plan(plan, fields=["state"], event=event, actor=actor, now=now, reason=reason)
    if to is PlanState.ACTIVE:
        ring(GENERATE)
    return plan


def _skip_what_waits(plan: MaintenancePlan) -> None:
    """Close what is still to be booked; `plan.ended` tells of it."""
    for occurrence in plan.occurrences.filter(state__in=WAITING):
        occurrence.state, occurrence.reason = OccurrenceState.SKIPPED, PLAN_ENDED
        occurrence.version += 1
        occurrence.save(update_fields=["state", "reason", "version", "updated_at"])


def refused(plan: MaintenancePlan, *, to: str) -> InvalidTransition:
    """Return what is said of a step that does not follow."""
    return InvalidTransition(
        f"A plan that is {plan.state} cannot be {to}.",
        status=plan.state,
        allowed=_LATER[PlanState(plan.state)],
    )

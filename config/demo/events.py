"""Events that everybody has heard of already: nothing is sent when the demo starts."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from appointments.models import Appointment, MaintenancePlan
from appointments.services.plans.record import snapshot as plan_snapshot
from core.actors import Actor
from core.models import Event
from leads.models import Lead
from leads.services.record import snapshot as lead_snapshot

_HEARD_AFTER = timedelta(seconds=1)


def visit_event(
    name: str,
    *,
    visit: Appointment,
    at: datetime,
    actor: Actor,
    data: dict[str, Any],
    reason: str = "",
) -> Event:
    """Return what happened to a visit that is now at `visit.version`."""
    return Event(
        aggregate_type="appointment",
        aggregate_id=visit.pk,
        number=visit.version,
        location_id=visit.location_id,
        data=data,
        **_said(name, at=at, actor=actor, reason=reason),
    )


def lead_event(
    name: str, *, lead: Lead, at: datetime, actor: Actor, reason: str = ""
) -> Event:
    """Return what happened to a lead that is now at `lead.version`."""
    return Event(
        aggregate_type="lead",
        aggregate_id=lead.pk,
        number=lead.version,
        location_id=lead.location_id,
        data=lead_snapshot(lead),
        **_said(name, at=at, actor=actor, reason=reason),
    )


def plan_event(plan: MaintenancePlan, *, at: datetime, actor: Actor) -> Event:
    """Return that a maintenance plan was agreed on."""
    return Event(
        aggregate_type="plan",
        aggregate_id=plan.pk,
        number=1,
        location_id=plan.location_id,
        data=plan_snapshot(plan),
        **_said("plan.created", at=at, actor=actor, reason=""),
    )


def limit_event(
    name: str,
    *,
    of: tuple[str, UUID],
    at: datetime,
    actor: Actor,
    data: dict[str, Any],
    location_id: UUID | None = None,
) -> Event:
    """Return the first thing that happened to a cap, or to what a customer wants."""
    aggregate_type, aggregate_id = of
    return Event(
        aggregate_type=aggregate_type,
        aggregate_id=aggregate_id,
        number=1,
        location_id=location_id,
        data=data,
        **_said(name, at=at, actor=actor, reason=""),
    )


def _said(name: str, *, at: datetime, actor: Actor, reason: str) -> dict[str, Any]:
    return {
        "name": name,
        "actor_role": actor.role,
        "actor_id": actor.user_id,
        "actor_label": actor.label,
        "reason": reason,
        "occurred_at": at,
        "published_at": at + _HEARD_AFTER,
        "next_attempt_at": at,
        "attempts": 1,
        "last_error": "",
    }

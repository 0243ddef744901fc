"""Lock a lead, and write down what became of it. For the services beside it."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from core.actors import SYSTEM, Actor
from core.errors import Conflict, NotFound, VersionConflict
from core.events import emit
from leads.models import Customer, Lead, LeadStatus


class AlreadyConverted(Conflict):
    """A lead converts once."""

    code = "already_converted"
    title = "The lead has become a visit"


class LeadDismissed(Conflict):
    """Nobody works on a dismissed lead."""

    code = "lead_dismissed"
    title = "The lead was dismissed"


def locked_lead(
    *, lead_id: UUID, actor: Actor, expected_version: int | None = None
) -> Lead:
    """Return the lead with its row locked until the transaction ends.

    Raises:
        NotFound: there is none that the actor may see.
        VersionConflict: it changed since the caller read it.
    """
    visible = Lead.objects.visible_to(actor)
    lead = visible.select_for_update(no_key=True).filter(pk=lead_id).first()
    if lead is None:
        raise NotFound
    if expected_version is not None and expected_version != lead.version:
        raise VersionConflict(f"The lead is at version {lead.version}.", current=lead)
    return lead


def lock_open_lead(*, lead_id: UUID) -> Lead:
    """Return a lead that may still become a visit, locked until the transaction ends.

    Whether the caller may see it is for the caller to know.

    Raises:
        AlreadyConverted, LeadDismissed, NotFound
    """
    lead = locked_lead(lead_id=lead_id, actor=SYSTEM)
    refuse_closed(lead)
    return lead


def refuse_closed(lead: Lead) -> None:
    """Raise AlreadyConverted or LeadDismissed where nothing more can become of it."""
    if lead.status == LeadStatus.CONVERTED:
        raise AlreadyConverted(f"{lead.reference} was booked before.")
    if lead.status == LeadStatus.DISMISSED:
        raise LeadDismissed(f"{lead.reference} was dismissed.")


def save_change(
    lead: Lead,
    *,
    fields: Iterable[str],
    event: str,
    actor: Actor,
    now: datetime,
    reason: str = "",
) -> None:
    """Save `fields` of a locked lead as its next version, and emit the event."""
    lead.version += 1
    lead.save(update_fields=[*fields, "version", "updated_at"])
    emit_about(lead, event, actor=actor, now=now, reason=reason)


def emit_about(
    lead: Lead, event: str, *, actor: Actor, now: datetime, reason: str = ""
) -> None:
    """Emit an event that shows the lead as it now is: no personal data, only ids."""
    emit(
        event,
        of=("lead", lead.pk),
        actor=actor,
        now=now,
        reason=reason,
        location_id=lead.location_id,
        data=snapshot(lead),
    )


def emit_about_customer(
    customer: Customer,
    event: str,
    *,
    actor: Actor,
    now: datetime,
    data: dict[str, Any] | None = None,
) -> None:
    """Emit an event about a customer who is locked or new: no personal data."""
    about = {"id": str(customer.pk), "version": customer.version}
    emit(
        event,
        of=("customer", customer.pk),
        actor=actor,
        now=now,
        data={**about, **(data or {})},
    )


def snapshot(lead: Lead) -> dict[str, Any]:
    """Return what subscribers are told of a lead: no personal data, only ids."""
    return {
        "id": str(lead.pk),
        "reference": lead.reference,
        "version": lead.version,
        "status": str(lead.status),
        "source": lead.source,
        "flags": [str(flag) for flag in lead.flags],
        "service": lead.service_code,
        "location": str(lead.location_id) if lead.location_id else None,
        "customer": str(lead.customer_id) if lead.customer_id else None,
    }

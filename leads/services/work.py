"""What the office does with a lead: correct it, call back, dismiss it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from core.actors import Actor
from leads.models import Lead, LeadFlag, LeadStatus
from leads.services.intake import settle_contact, settle_place
from leads.services.record import (
    locked_lead,
    refuse_closed,
    save_change,
)

_CONTACT = {"name", "phone_given", "email"}
_PLACE = {"postal_code", "location"}
# What follows from the fields above, and is saved with them.
_SETTLED = ("phone", "email", "customer", "location", "flags")


@transaction.atomic
def update_lead(
    *,
    lead_id: UUID,
    changes: Mapping[str, Any],
    actor: Actor,
    now: datetime,
    expected_version: int | None = None,
) -> Lead:
    """Correct what was written down, and make out again what follows from it.

    `changes` holds fields of the lead; a branch that is named counts for more than
    the one that serves the ZIP. The same values again change nothing.

    Emits:
        lead.updated
    Raises:
        AlreadyConverted, LeadDismissed: it is closed.
        VersionConflict, NotFound
    """
    lead = locked_lead(lead_id=lead_id, actor=actor, expected_version=expected_version)
    refuse_closed(lead)
    changed = {
        name: value for name, value in changes.items() if getattr(lead, name) != value
    }
    if not changed:
        return lead
    for name, value in changed.items():
        setattr(lead, name, value)
    if changed.keys() & _CONTACT:
        settle_contact(lead)
    if changed.keys() & _PLACE:
        _settle_branch(lead, named="location" in changed)
    save_change(
        lead,
        fields={*changed, *_SETTLED},
        event="lead.updated",
        actor=actor,
        now=now,
    )
    return lead


@transaction.atomic
def mark_contacted(
    *,
    lead_id: UUID,
    actor: Actor,
    now: datetime,
    expected_version: int | None = None,
) -> Lead:
    """Note that somebody has answered; a second note changes nothing.

    Emits:
        lead.contacted
    Raises:
        AlreadyConverted, LeadDismissed, VersionConflict, NotFound
    """
    lead = locked_lead(lead_id=lead_id, actor=actor, expected_version=expected_version)
    refuse_closed(lead)
    if lead.status != LeadStatus.CONTACTED:
        lead.status = LeadStatus.CONTACTED
        save_change(
            lead, fields=["status"], event="lead.contacted", actor=actor, now=now
        )
    return lead


@transaction.atomic
def dismiss_lead(
    *,
    lead_id: UUID,
    reason: str,
    actor: Actor,
    now: datetime,
    expected_version: int | None = None,
) -> Lead:
    """Put a lead aside for good; dismissing it again changes nothing.

    Emits:
        lead.dismissed
    Raises:
        AlreadyConverted, VersionConflict, NotFound
    """
    lead = locked_lead(lead_id=lead_id, actor=actor, expected_version=expected_version)
    if lead.status == LeadStatus.DISMISSED:
        return lead
    refuse_closed(lead)
    lead.status = LeadStatus.DISMISSED
    lead.dismissed_at = now
    lead.dismissal_reason = reason
    save_change(
        lead,
        fields=["status", "dismissed_at", "dismissal_reason"],
        event="lead.dismissed",
        actor=actor,
        now=now,
        reason=reason,
    )
    return lead


def _settle_branch(lead: Lead, *, named: bool) -> None:
    chosen = lead.location_id
    settle_place(lead)
    if named and chosen is not None:
        lead.location_id = chosen
        lead.flags = [f for f in lead.flags if f != LeadFlag.OUT_OF_SERVICE_AREA]

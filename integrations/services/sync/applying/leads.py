"""Change a lead as the vendor did."""

from collections.abc import Mapping
from typing import Any

from core.text import clean_text
from integrations.rules.merging import OURS, THEIRS
from integrations.rules.things import Fields, Thing
from integrations.services.sync.applying.changes import (
    DOES_NOT_COME_IN,
    Change,
    all_for,
    attempt,
)
from leads import services
from leads.models import LeadStatus

# Our words for vendors, and the lead's own names.
_COLUMNS = {
    "name": "name",
    "phone": "phone_given",
    "email": "email",
    "line1": "line1",
    "line2": "line2",
    "city": "city",
    "region": "region",
    "postal_code": "postal_code",
    "service": "service_code",
    "summary": "message",
}
_PROGRESS = ("new", "contacted", "dismissed", "converted")


def settle(
    *, thing: Thing, agreed: Fields, theirs: dict[str, Any], winners: dict[str, str]
) -> dict[str, Any]:
    """Never move a lead back, and leave one alone that is closed. See `Settler`."""
    ours, their = thing.fields["status"], theirs.get("status")
    if ours in {LeadStatus.CONVERTED, LeadStatus.DISMISSED}:
        theirs.clear()
    if not theirs or their is None or "status" not in winners:
        return {}
    known = their in _PROGRESS
    is_further = known and _PROGRESS.index(their) > _PROGRESS.index(ours)
    winners["status"] = THEIRS if is_further else OURS
    return {} if is_further or their == ours else {"status": theirs.pop("status")}


def write(change: Change) -> Mapping[str, str]:
    """Write what they corrected, and what became of it; return why not, by field."""
    fields = dict(change.fields)
    status = fields.pop("status", None)
    columns = {
        _COLUMNS[name]: clean_text(str(value or ""))
        for name, value in fields.items()
        if name in _COLUMNS
    }
    problems = all_for(set(fields) - set(_COLUMNS), DOES_NOT_COME_IN)
    about: dict[str, Any] = {
        "lead_id": change.thing.id,
        "actor": change.actor,
        "now": change.now,
    }
    if columns:
        why = attempt(lambda: services.update_lead(changes=columns, **about))
        problems |= all_for(set(fields) & set(_COLUMNS), why)
    if status == LeadStatus.CONTACTED:
        problems |= all_for(
            {"status"}, attempt(lambda: services.mark_contacted(**about))
        )
    elif status == LeadStatus.DISMISSED:
        reason = f"Dismissed at {change.actor.label}."
        why = attempt(lambda: services.dismiss_lead(reason=reason, **about))
        problems |= all_for({"status"}, why)
    return problems

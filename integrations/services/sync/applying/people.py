"""Change a customer as the vendor did."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings

from core.text import clean_text, normalise_email, normalise_phone
from integrations.services.sync.applying.changes import (
    DOES_NOT_COME_IN,
    Change,
    all_for,
    attempt,
)
from leads import services
from leads.models import ContactKind, ContactMethod

_CONTACTS = {"phone": ContactKind.PHONE, "email": ContactKind.EMAIL}


def write(change: Change) -> Mapping[str, str]:
    """Write name, notes and contacts of a customer; return why not, by field."""
    known = {"name", "notes", *_CONTACTS}
    problems = all_for(set(change.fields) - known, DOES_NOT_COME_IN)
    for field in sorted(known & set(change.fields)):
        value = clean_text(str(change.fields[field] or ""))
        changes, why = _changes(change, field, value)
        problems |= all_for({field}, why or _update(change, changes))
    return problems


def _update(change: Change, changes: Mapping[str, Any]) -> str:
    """Change the customer; return why not, or ""."""
    return attempt(
        lambda: services.update_customer(
            customer_id=change.thing.id,
            changes=changes,
            actor=change.actor,
            now=change.now,
        )
    )


def _changes(change: Change, field: str, value: str) -> tuple[dict[str, Any], str]:
    """Return what to write for a field, or why it cannot be."""
    if field == "name" and not value:
        return {}, "A customer has a name."
    if field not in _CONTACTS:
        return {field: value}, ""
    kind = _CONTACTS[field]
    usable = _normalised(kind, value)
    if value and usable is None:
        return {}, f"{value!r} is no {field} that could be used."
    rows = ContactMethod.objects.filter(customer=change.thing.id)
    kept = [
        (ContactKind(row.kind), row.value)
        for row in rows.order_by("-is_primary", "pk")
        if (row.kind, row.is_primary) != (kind, True) and row.value != usable
    ]
    # The first of a kind is the primary one.
    return {"contacts": ([(kind, usable)] if usable else []) + kept}, ""


def _normalised(kind: ContactKind, value: str) -> str | None:
    if kind is ContactKind.PHONE:
        return normalise_phone(value, region=settings.DEFAULT_PHONE_REGION)
    return normalise_email(value)

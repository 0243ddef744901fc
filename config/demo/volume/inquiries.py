"""Half a million leads: those behind the visits, and those that came to nothing."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from config.demo.data.words import DISMISSALS
from config.demo.dice import Dice, reference
from config.demo.volume.crowd import Regular, email_of, name_of, phone_of
from config.demo.volume.town import Job, Town
from leads.models import LeadStatus

# A form is filled in some minutes before its visit is booked.
_FILLED_IN = timedelta(minutes=6)
_STILL_OPEN = timedelta(days=10)
_SEEN_AFTER = timedelta(hours=5)
_TUNE_UP = "ac-tune-up"

LEAD = (
    "id",
    "reference",
    "status",
    "source",
    "flags",
    "name",
    "phone_given",
    "phone",
    "email",
    "line1",
    "line2",
    "city",
    "region",
    "postal_code",
    "service_code",
    "message",
    "location_id",
    "customer_id",
    "fingerprint",
    "dismissed_at",
    "dismissal_reason",
    "converted_at",
    "version",
    "created_at",
    "updated_at",
)


def booked_lead(
    town: Town, regular: Regular, job: Job, *, lead_id: UUID, number: int, at: datetime
) -> Sequence[Any]:
    """Return the row of a lead that became a visit of `regular` at that moment."""
    return (
        lead_id,
        reference("L", number),
        LeadStatus.CONVERTED.value,
        *_said_by(regular),
        job.service.code,
        "",
        town.branch.location.pk,
        regular.customer_id,
        _fingerprint(number),
        None,
        "",
        at,
        2,
        at - _FILLED_IN,
        at,
    )


def unbooked_lead(
    town: Town, *, number: int, came_at: datetime, now: datetime, dice: Dice
) -> Sequence[Any]:
    """Return the row of a lead that is still open, or was dismissed."""
    regular = dice.choice(town.regulars)
    is_open = now - came_at < _STILL_OPEN
    seen_at = None if is_open else came_at + _SEEN_AFTER
    return (
        dice.uuid(came_at),
        reference("L", number),
        (LeadStatus.NEW if is_open else LeadStatus.DISMISSED).value,
        *_said_by(regular),
        _TUNE_UP,
        "",
        town.branch.location.pk,
        regular.customer_id,
        _fingerprint(number),
        seen_at,
        "" if is_open else dice.choice(DISMISSALS),
        None,
        1 if is_open else 2,
        came_at,
        seen_at or came_at,
    )


def _said_by(regular: Regular) -> Sequence[Any]:
    """Return what a customer of ours writes into the form, from source to ZIP."""
    phone, place = phone_of(regular.number), regular.place
    return (
        "website",
        "{}",
        " ".join(name_of(regular.number)),
        phone,
        phone,
        email_of(regular.number),
        "",
        "",
        place.city,
        place.region,
        place.postal_code,
    )


def _fingerprint(number: int) -> str:
    """Return 64 digits that nobody else has."""
    return f"{number:064x}"

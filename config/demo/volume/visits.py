"""The row of a visit and of its technician, as two years would have left them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from appointments.rules.states import OPEN, Status, Step
from config.demo.data.words import CANCELLATIONS
from config.demo.dice import Dice, reference
from config.demo.volume.calendar import QUARTER, Slot
from config.demo.volume.crowd import Regular
from config.demo.volume.town import Job, Town

_MINUTE = timedelta(minutes=1)
_ASKED_AHEAD = 20 * 24 * 60  # minutes, at most
_JUST_NOW = 5 * 60  # minutes
_ENDINGS = (Status.COMPLETED, Status.INCOMPLETE, Status.NO_SHOW)
_ENDING_WEIGHTS = (95, 2, 3)
# How many steps lead there: the version of the row.
_VERSIONS = {
    Status.COMPLETED: 5,
    Status.INCOMPLETE: 5,
    Status.NO_SHOW: 5,
    Status.ON_SITE: 4,
    Status.CANCELLED: 2,
    Status.SCHEDULED: 1,
}
_STEPS = {
    Status.COMPLETED: Step.DONE,
    Status.INCOMPLETE: Step.ON_SITE,
    Status.NO_SHOW: Step.ON_SITE,
    Status.ON_SITE: Step.ON_SITE,
    Status.CANCELLED: Step.ASSIGNED,
    Status.SCHEDULED: Step.ASSIGNED,
}

VISIT = (
    "id",
    "reference",
    "location_id",
    "service_id",
    "customer_id",
    "property_id",
    "lead_id",
    "status",
    "window_starts_at",
    "window_ends_at",
    "starts_at",
    "ends_at",
    "sequence",
    "price_cents",
    "currency",
    "source",
    "notes",
    "cancellation_reason",
    "version",
    "created_at",
    "updated_at",
)
ASSIGNMENT = (
    "id",
    "appointment_id",
    "technician_id",
    "status",
    "is_lead",
    "part",
    "occupied_from",
    "occupied_until",
    "released_at",
    "created_at",
    "updated_at",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """A slot of a day, with who asked for it and who does it."""

    slot: Slot
    job: Job
    town: Town
    regular: Regular
    technician_id: UUID
    starts_at: datetime
    asked_at: datetime
    status: Status


def book_slot(
    slot: Slot,
    *,
    job: Job,
    town: Town,
    technician_id: UUID,
    opens_at: datetime,
    now: datetime,
    dice: Dice,
) -> Booking:
    """Return the booking that fills a slot of the day that begins at `opens_at`."""
    starts_at = opens_at + slot.quarter * QUARTER * _MINUTE + job.before
    asked_at = min(
        starts_at - job.notice - dice.randrange(_ASKED_AHEAD) * _MINUTE,
        now - dice.randrange(1, _JUST_NOW) * _MINUTE,
    )
    return Booking(
        slot=slot,
        job=job,
        town=town,
        regular=dice.choice(town.regulars),
        technician_id=technician_id,
        starts_at=starts_at,
        asked_at=asked_at,
        status=_status(slot, starts_at, starts_at + job.work, now=now, dice=dice),
    )


def _status(
    slot: Slot, starts_at: datetime, ends_at: datetime, *, now: datetime, dice: Dice
) -> Status:
    if slot.is_cancelled:
        return Status.CANCELLED
    if ends_at <= now:
        return dice.choices(_ENDINGS, _ENDING_WEIGHTS)[0]
    return Status.ON_SITE if starts_at <= now else Status.SCHEDULED


def visit_row(
    booking: Booking,
    *,
    number: int,
    lead_id: UUID | None,
    opens_at: datetime,
    dice: Dice,
) -> Sequence[Any]:
    """Return the visit's values, in the order of `VISIT`."""
    job, status = booking.job, booking.status
    # Windows follow each other from the opening of the branch.
    window = (booking.starts_at - opens_at) // job.window
    window_starts_at = opens_at + window * job.window
    reason = dice.choice(CANCELLATIONS) if status is Status.CANCELLED else ""
    return (
        dice.uuid(booking.asked_at),
        reference("V", number),
        booking.town.branch.location.pk,
        job.service.pk,
        booking.regular.customer_id,
        booking.regular.property_id,
        lead_id,
        status.value,
        window_starts_at,
        window_starts_at + job.window,
        booking.starts_at,
        booking.starts_at + job.work,
        0,
        job.service.price_cents,
        job.service.currency,
        "website" if lead_id else "staff",
        "",
        reason,
        _VERSIONS[status],
        booking.asked_at,
        _changed_at(booking),
    )


def assignment_row(booking: Booking, visit_id: UUID, dice: Dice) -> Sequence[Any]:
    """Return the assignment's values, in the order of `ASSIGNMENT`."""
    job, changed_at = booking.job, _changed_at(booking)
    return (
        dice.uuid(booking.asked_at),
        visit_id,
        booking.technician_id,
        _STEPS[booking.status].value,
        True,
        0,
        booking.starts_at - job.before,
        booking.starts_at + job.work + job.after,
        None if booking.status in OPEN else changed_at,
        booking.asked_at,
        changed_at,
    )


def _changed_at(booking: Booking) -> datetime:
    """Return the time of the last step."""
    if booking.status is Status.CANCELLED:
        return booking.asked_at + _MINUTE
    if booking.status is Status.SCHEDULED:
        return booking.asked_at
    if booking.status is Status.ON_SITE:
        return booking.starts_at
    return booking.starts_at + booking.job.work

"""Book the visit that a deposit is for."""

from datetime import datetime

from django.db import transaction

from appointments import services as appointments
from appointments.models import Appointment
from appointments.rules.states import Status
from appointments.services import BookingRequest
from core.actors import SYSTEM
from core.errors import DomainError, Unavailable
from integrations.models import Deposit
from leads.services import AlreadyConverted


def book_for(deposit: Deposit, *, now: datetime) -> Appointment | DomainError:
    """Book the visit in a savepoint; return it, or why it cannot be.

    While the hold stands it becomes the visit; after that the slot may still be free.
    A visit that was booked from the same hold without waiting for the money is it,
    too. Needs a transaction.

    Raises:
        Unavailable: it is worth another try.
    """
    try:
        with transaction.atomic():
            return appointments.book(request=_request(deposit), actor=SYSTEM, now=now)
    except Unavailable:
        raise
    except AlreadyConverted as again:
        return _booked_before(deposit) or again
    except DomainError as refusal:
        return refusal


def try_booking(deposit: Deposit, *, now: datetime) -> None:
    """Book the visit and undo it: nobody is to pay for what could not be booked.

    Needs a transaction.

    Raises:
        DomainError: whatever booking would refuse.
    """
    with transaction.atomic():
        appointments.book(request=_request(deposit), actor=SYSTEM, now=now)
        transaction.set_rollback(True)


def _request(deposit: Deposit) -> BookingRequest:
    return BookingRequest(
        service=deposit.service,
        starts_at=deposit.starts_at,
        property=deposit.property,
        lead_id=deposit.lead_id,
        location=deposit.location,
        source=deposit.source,
        notes=deposit.notes,
        hold=deposit.hold,
    )


def _booked_before(deposit: Deposit) -> Appointment | None:
    """Return the visit that the lead was booked as, if it is the very one."""
    found = Appointment.objects.filter(
        lead=deposit.lead_id,
        service=deposit.service_id,
        window_starts_at=deposit.starts_at,
    )
    return (
        found.exclude(status=Status.CANCELLED).exclude(deposits__state="paid").first()
    )

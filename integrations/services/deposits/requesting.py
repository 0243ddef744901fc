"""Ask for a deposit: a row first, then the page at Stripe, then its address."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F

from appointments.models import Hold, Service
from appointments.selectors.holds import hash_of
from appointments.services import HoldExpired, HoldMismatch
from appointments.services.booking import open_lead
from appointments.services.holding import find_hold
from core.actors import Actor
from core.db import retry_contention
from core.errors import NotFound, Rejected, Unavailable
from core.walltime import as_instant
from integrations.connectors.stripe import payments, wire
from integrations.connectors.stripe.payments import Ask, CheckoutPage
from integrations.models import (
    Connection,
    ConnectionState,
    Deposit,
    DepositState,
    Vendor,
)
from integrations.models.deposits import LIVE
from integrations.rules.refusals import CallFailed, NotAllowed, NotSent, Refused
from integrations.services.calling import caller_for
from integrations.services.connections import mark_needs_attention
from integrations.services.deposits import record
from integrations.services.deposits.booking import try_booking
from leads.models import LeadFlag, Property

# Stripe's shortest, and the time that a call and two clocks may differ by.
_OPEN_FOR = payments.SHORTEST + timedelta(minutes=1)
# The hold outlives its page by so much: who pays in the last minute is not too late.
_MARGIN = timedelta(minutes=4)
# A person waits.
_SECONDS = 12.0


class NoDepositAsked(Rejected):
    """The service is booked without one."""

    code = "no_deposit_asked"
    title = "This service asks for no deposit"


class PaymentsUnavailable(Unavailable):
    """The page to pay on could not be opened; the hold stands."""

    code = "payments_unavailable"
    title = "Deposits cannot be paid right now"


@dataclass(frozen=True, slots=True, kw_only=True)
class DepositRequest:
    """What is to be booked once it is paid, and where the customer's browser goes."""

    hold: str
    """The token."""
    service: Service
    starts_at: datetime
    success_url: str
    cancel_url: str = ""
    lead_id: UUID | None = None
    property: Property | None = None
    notes: str = ""
    source: str = "website"


def are_taken() -> bool:
    """Tell whether visitors can pay deposits now (`settings.DEPOSITS_ARE_TAKEN`)."""
    return Connection.objects.filter(
        vendor=Vendor.STRIPE, state=ConnectionState.ACTIVE
    ).exists()


def request_deposit(*, request: DepositRequest, actor: Actor, now: datetime) -> Deposit:
    """Open the page on which the deposit of a hold is paid; asked twice, the same one.

    The visit is tried out first: nobody pays for what could not be booked.

    Emits:
        deposit.requested
    Raises:
        PaymentsUnavailable: nothing is to be paid; the hold stands.
        HoldExpired, HoldMismatch, NoDepositAsked
        DomainError: whatever `appointments.services.book` would refuse.
    """
    deposit, is_new = retry_contention(lambda: _claim(request, actor=actor, now=now))
    if deposit.state != DepositState.REQUESTED or deposit.session_id:
        return deposit
    return _open(deposit, is_new=is_new, now=now)


def open_page(deposit: Deposit, *, connection: Connection) -> CheckoutPage:
    """Open the page of a deposit at Stripe; each time the same one.

    Raises:
        CallFailed
    """
    call = caller_for(connection, seconds=_SECONDS)
    return payments.open_page(call, _ask_of(deposit))


@transaction.atomic
def keep_page(deposit_id: UUID, page: CheckoutPage, *, now: datetime) -> Deposit:
    """Note which page a deposit is paid on, once.

    Emits:
        deposit.requested
    """
    deposit = record.locked_deposit(deposit_id)
    if deposit.page_url:
        return deposit
    deposit.session_id, deposit.page_url = page.id, page.url
    deposit.save()
    record.tell(deposit, "requested", now=now)
    return deposit


@transaction.atomic
def _claim(
    request: DepositRequest, *, actor: Actor, now: datetime
) -> tuple[Deposit, bool]:
    """Write the row that a deposit begins with, or return the one that is there.

    The lead is locked, and then the turn of the hold's visitor is taken, as booking
    does: nobody else writes one meanwhile.
    """
    asked_before = Deposit.objects.filter(
        token_hash=hash_of(request.hold), state__in=LIVE
    )
    if there := asked_before.first():
        return there, False
    if request.lead_id is not None:
        open_lead(request.lead_id)
    hold = find_hold(request.hold)
    if there := asked_before.first():
        return there, False
    if hold is None or hold.expires_at <= now:
        raise HoldExpired("The slot is not kept any more; choose a time again.")
    if not hold.service.deposit_cents:
        raise NoDepositAsked
    if actor.is_staff and not actor.sees_location(hold.location_id):
        raise NotFound
    _check_same(request, hold)
    deposit = _drafted(request, hold, connection=_connection_for(hold), now=now)
    try_booking(deposit, now=now)
    deposit.save(force_insert=True)
    return deposit, True


def _check_same(request: DepositRequest, hold: Hold) -> None:
    """Refuse another service or start; `book` compares the rest."""
    start = as_instant(request.starts_at, zone=hold.location.time_zone)
    same = {
        "service": hold.service_id == request.service.pk,
        "starts_at": hold.window_starts_at == start,
    }
    differs = [name for name, is_same in same.items() if not is_same]
    if differs:
        raise HoldMismatch(
            f"The hold is for another {', '.join(differs)}.", differs=differs
        )


def _connection_for(hold: Hold) -> Connection:
    """Return the account that takes the money: the branch's own, or the company's."""
    active = Connection.objects.serving(hold.location_id).filter(
        vendor=Vendor.STRIPE, state=ConnectionState.ACTIVE
    )
    found = active.order_by(F("location").asc(nulls_last=True), "created_at").first()
    if found is None:
        raise PaymentsUnavailable("Nobody takes payments here at present.")
    return found


def _drafted(
    request: DepositRequest, hold: Hold, *, connection: Connection, now: datetime
) -> Deposit:
    return Deposit(
        connection=connection,
        location=hold.location,
        hold=hold.pk,
        token_hash=hold.token_hash,
        service=hold.service,
        starts_at=hold.window_starts_at,
        lead_id=request.lead_id,
        property=request.property,
        notes=request.notes,
        source=request.source,
        amount_cents=hold.service.deposit_cents,
        currency=hold.service.currency,
        is_live=wire.is_live(caller_for(connection)),
        success_url=request.success_url,
        cancel_url=request.cancel_url,
        # Whole seconds: so Stripe tells it, and so it is asked for again.
        expires_at=max(now + _OPEN_FOR, hold.expires_at - _MARGIN).replace(
            microsecond=0
        ),
    )


def _open(deposit: Deposit, *, is_new: bool, now: datetime) -> Deposit:
    connection = deposit.connection
    if connection is None:
        raise PaymentsUnavailable
    try:
        page = open_page(deposit, connection=connection)
    except CallFailed as failure:
        if isinstance(failure, NotAllowed):
            mark_needs_attention(connection=connection, because=str(failure), now=now)
        if isinstance(failure, Refused) or (
            is_new and isinstance(failure, NotSent | NotAllowed)
        ):
            # There is no such page, and will be none.
            _end(deposit.pk, because=str(failure), now=now)
        raise PaymentsUnavailable(
            "The payment page could not be opened. Your slot is still held.",
            retry_after=2,
        ) from failure
    return keep_page(deposit.pk, page, now=now)


@transaction.atomic
def _end(deposit_id: UUID, *, because: str, now: datetime) -> None:
    deposit = record.locked_deposit(deposit_id)
    if deposit.state == DepositState.REQUESTED and not deposit.session_id:
        record.move(deposit, DepositState.FAILED, now=now, reason=because)


def _ask_of(deposit: Deposit) -> Ask:
    """Return what Stripe is asked for: each time the same, under the same key."""
    lead = deposit.lead
    has_email = lead is not None and LeadFlag.INVALID_EMAIL not in lead.flags
    return Ask(
        key=f"dep-{deposit.pk}",
        reference=str(deposit.pk),
        name=f"Deposit for {deposit.service.name}",
        amount=deposit.amount_cents,
        currency=deposit.currency,
        success_url=deposit.success_url,
        cancel_url=deposit.cancel_url,
        expires_at=deposit.expires_at,
        email=lead.email if lead is not None and has_email else "",
        notes=record.notes_of(deposit),
    )

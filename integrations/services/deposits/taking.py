"""Take in what became of a payment: from a callback, the log, or an answer."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from appointments.models import Appointment
from integrations.connectors.stripe.reading import News
from integrations.models import Connection, Deposit, DepositState, InboundEvent
from integrations.models.inbox import InboundState
from integrations.rules.deposits import awaits_money, may_become, what_differs
from integrations.rules.refusals import Refused
from integrations.rules.things import Remote
from integrations.services.deposits import record
from integrations.services.deposits.booking import book_for
from integrations.services.sync.applying.taking import TakenIn

_MOST = 2**31 - 1
_STALE = TakenIn(state=InboundState.STALE, note="It had come further before.")
_IGNORED = TakenIn(state=InboundState.IGNORED, note="Nothing that we use.")

Fields = Mapping[str, Any]


class UnknownPayment(Refused):
    """Somebody paid for a deposit that is not here: a person has to look."""


def apply(
    *,
    connection: Connection,
    remote: Remote,
    inbound: InboundEvent | None,
    now: datetime,
) -> TakenIn:
    """Move a deposit on, if that is forward. See `Applier`.

    Raises:
        UnknownPayment: it carries our note, and is none of ours.
    """
    fields = remote.fields
    deposit = _locked(connection, fields)
    if deposit is None:
        if fields["deposit"] and fields["news"] in {News.PAID, News.PENDING}:
            raise UnknownPayment(f"There is no deposit {fields['deposit']} here.")
        return _IGNORED
    before = deposit.state
    deposit.session_id = deposit.session_id or fields["session"]
    deposit.intent_id = deposit.intent_id or fields["intent"]
    came = _STEPS[News(fields["news"])](deposit, fields, now)
    if came is not _STALE and deposit.state == before:
        deposit.save()
    return came


def _locked(connection: Connection, fields: Fields) -> Deposit | None:
    rows = Deposit.objects.select_for_update(of=("self",)).filter(connection=connection)
    for name, field in (("pk", "deposit"), ("session_id", "session")):
        value = _uuid(fields[field]) if name == "pk" else fields[field]
        found = rows.filter(**{name: value}).first() if value else None
        if found is not None:
            return found
    return rows.filter(intent_id=fields["intent"]).first() if fields["intent"] else None


def _paid(deposit: Deposit, fields: Fields, now: datetime) -> TakenIn:
    """Book the visit, or send the money back: once, whoever tells it first."""
    if not awaits_money(deposit.state):
        return _STALE
    amount = fields["amount"]
    deposit.received_cents = amount if _is_amount(amount) else 0
    deposit.paid_at = now
    fault = what_differs(
        amount=amount,
        currency=fields["currency"],
        is_live=fields["live"],
        wanted=(deposit.amount_cents, deposit.currency, deposit.is_live),
    )
    if fault:
        return _flag(deposit, f"What came is not what was asked for: {fault}.", now=now)
    booked = book_for(deposit, now=now)
    if isinstance(booked, Appointment):
        deposit.appointment = booked
        record.move(deposit, DepositState.PAID, now=now)
        return _took(f"Paid: visit {booked.reference}.")
    because = f"Paid too late to book: {booked}"
    record.send_back(deposit, reason=because, now=now)
    return _took(because)


def _pending(deposit: Deposit, fields: Fields, now: datetime) -> TakenIn:
    if deposit.state != DepositState.REQUESTED or deposit.pending_at is not None:
        return _STALE
    deposit.pending_at = now
    return _took("On its way; that may take days.")


def _failed(deposit: Deposit, fields: Fields, now: datetime) -> TakenIn:
    if not may_become(deposit.state, DepositState.FAILED):
        return _STALE
    record.move(deposit, DepositState.FAILED, now=now)
    return _took("The payment did not come.")


def _expired(deposit: Deposit, fields: Fields, now: datetime) -> TakenIn:
    if deposit.pending_at or not may_become(deposit.state, DepositState.EXPIRED):
        return _STALE
    record.move(deposit, DepositState.EXPIRED, now=now)
    return _took("Nobody paid in time.")


def _open(deposit: Deposit, fields: Fields, now: datetime) -> TakenIn:
    return _IGNORED


def _refunding(deposit: Deposit, fields: Fields, now: datetime) -> TakenIn:
    if not _is_present_refund(deposit, fields) or not may_become(
        deposit.state, DepositState.REFUNDING
    ):
        return _STALE
    deposit.refund_id = fields["refund"]
    record.move(deposit, DepositState.REFUNDING, now=now)
    return _took("The refund is on its way.")


def _refunded(deposit: Deposit, fields: Fields, now: datetime) -> TakenIn:
    on_its_way = {DepositState.REFUND_DUE, DepositState.REFUNDING}
    if not _is_present_refund(deposit, fields) or deposit.state not in on_its_way:
        return _STALE
    deposit.refund_id = fields["refund"]
    return _went_back(deposit, deposit.received_cents, now=now)


def _refund_failed(deposit: Deposit, fields: Fields, now: datetime) -> TakenIn:
    if not _is_present_refund(deposit, fields) or not may_become(
        deposit.state, DepositState.NEEDS_ATTENTION
    ):
        return _STALE
    deposit.refund_id = fields["refund"]
    deposit.refunded_cents, deposit.refunded_at = 0, None
    return _flag(deposit, "The refund came back: send it another way.", now=now)


def _refunded_in_all(deposit: Deposit, fields: Fields, now: datetime) -> TakenIn:
    """Note what has gone back, by our refund or by hand at the vendor's."""
    amount = fields["amount"]
    is_news = _is_amount(amount) and amount > deposit.refunded_cents
    # Where our refund came back, the sum is of before.
    came_back = deposit.state == DepositState.NEEDS_ATTENTION and deposit.refund_id
    if not is_news or came_back or not deposit.received_cents:
        return _STALE
    return _went_back(deposit, min(amount, deposit.received_cents), now=now)


def _disputed(deposit: Deposit, fields: Fields, now: datetime) -> TakenIn:
    if not may_become(deposit.state, DepositState.NEEDS_ATTENTION):
        return _STALE
    return _flag(deposit, "The customer disputes it with the bank.", now=now)


_STEPS: Mapping[News, Callable[[Deposit, Fields, datetime], TakenIn]] = {
    News.OPEN: _open,
    News.PENDING: _pending,
    News.PAID: _paid,
    News.FAILED: _failed,
    News.EXPIRED: _expired,
    News.REFUNDING: _refunding,
    News.REFUNDED: _refunded,
    News.REFUND_FAILED: _refund_failed,
    News.REFUNDED_IN_ALL: _refunded_in_all,
    News.DISPUTED: _disputed,
}


def _went_back(deposit: Deposit, cents: int, *, now: datetime) -> TakenIn:
    deposit.refunded_cents = cents
    if cents == deposit.received_cents and may_become(
        deposit.state, DepositState.REFUNDED
    ):
        deposit.refunded_at = now
        record.move(deposit, DepositState.REFUNDED, now=now)
        return _took("Refunded.")
    return _took("Refunded in part.")


def _flag(deposit: Deposit, why: str, *, now: datetime) -> TakenIn:
    record.move(deposit, DepositState.NEEDS_ATTENTION, now=now, reason=why)
    return _took(why)


def _is_present_refund(deposit: Deposit, fields: Fields) -> bool:
    """Tell our present refund from earlier ones, and from those made by hand."""
    if deposit.refund_id:
        return bool(fields["refund"] == deposit.refund_id)
    return bool(fields["refund_key"] == record.refund_key(deposit))


def _is_amount(value: Any) -> bool:
    return isinstance(value, int) and 0 < value <= _MOST


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _took(note: str) -> TakenIn:
    return TakenIn(state=InboundState.PROCESSED, note=note)

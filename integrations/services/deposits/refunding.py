"""Give deposits back: asked for by a person or by what happened, sent by the outbox."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from core.actors import Actor
from core.errors import Conflict, NotFound
from core.models import OutboxMessage
from core.models.outbox import AttemptOutcome
from core.outbox import Outcome
from integrations.connectors.stripe import payments
from integrations.models import Connection, ConnectionState, Deposit, DepositState
from integrations.rules.deposits import may_become
from integrations.rules.refusals import CallFailed, Refused
from integrations.services.calling import caller_for
from integrations.services.connections import outcome_of_failure
from integrations.services.deposits import record
from integrations.services.sync import take_in

_GOING_BACK = (
    DepositState.REFUND_DUE,
    DepositState.REFUNDING,
    DepositState.REFUNDED,
)


class NotRefundable(Conflict):
    """There is no money of it here."""

    code = "not_refundable"
    title = "There is nothing to refund"


@transaction.atomic
def refund_deposit(
    *, deposit_id: UUID, reason: str, actor: Actor, now: datetime
) -> Deposit:
    """Send a deposit back, whatever becomes of the visit; twice is as good as once.

    Emits:
        deposit.refund_due
    Raises:
        NotRefundable, NotFound
    """
    rows = Deposit.objects.visible_to(actor).select_for_update(of=("self",))
    deposit = rows.filter(pk=deposit_id).first()
    if deposit is None:
        raise NotFound
    if deposit.state in _GOING_BACK:
        return deposit
    if not deposit.received_cents or not may_become(
        deposit.state, DepositState.REFUND_DUE
    ):
        raise NotRefundable(f"The deposit is {deposit.state}.")
    if deposit.connection_id is None:
        raise NotRefundable("Its connection is gone: send the money back at Stripe.")
    record.send_back(deposit, reason=reason, now=now, actor=actor)
    return deposit


def deliver_refund(message: OutboxMessage, *, now: datetime) -> Outcome:
    """Have Stripe send the money back, once per number of refund."""
    deposit = Deposit.objects.filter(pk=message.aggregate_id).first()
    if (
        deposit is None
        or deposit.state != DepositState.REFUND_DUE
        or deposit.refund_number != message.payload["number"]
    ):
        return Outcome(kind=AttemptOutcome.UNWANTED, error="It is not due any more.")
    connection = deposit.connection
    if connection is None:
        return Outcome(kind=AttemptOutcome.UNWANTED, error="The connection is gone.")
    if connection.state != ConnectionState.ACTIVE:
        because = connection.attention or "The connection is paused."
        return Outcome(kind=AttemptOutcome.PARKED, error=because)
    return _send(deposit, connection, now=now)


def _send(deposit: Deposit, connection: Connection, *, now: datetime) -> Outcome:
    try:
        remote = payments.refund(
            caller_for(connection),
            intent_id=deposit.intent_id,
            amount=deposit.received_cents - deposit.refunded_cents,
            key=record.refund_key(deposit),
            notes=record.notes_of(deposit),
        )
    except CallFailed as failure:
        if isinstance(failure, Refused):
            _give_up(deposit, failure, now=now)
        return outcome_of_failure(failure, connection=connection, now=now)
    took = take_in(connection=connection, remotes=[remote], inbound=None, now=now)
    return Outcome(kind=AttemptOutcome.OK, response_excerpt=took.note)


@transaction.atomic
def _give_up(deposit: Deposit, refusal: Refused, *, now: datetime) -> None:
    """Leave it to a person: Stripe will not send it back."""
    current = record.locked_deposit(deposit.pk)
    is_same = current.refund_number == deposit.refund_number
    if is_same and current.state == DepositState.REFUND_DUE:
        why = f"Stripe refuses the refund: {refusal}"
        record.move(current, DepositState.NEEDS_ATTENTION, now=now, reason=why)

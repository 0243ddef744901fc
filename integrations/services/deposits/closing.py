"""Close the page of a deposit whose hold is over."""

from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef

from appointments.models import Hold
from core.models import OutboxMessage
from core.models.outbox import AttemptOutcome
from core.outbox import Outcome
from integrations.connectors.stripe import payments
from integrations.models import Connection, ConnectionState, Deposit, DepositState
from integrations.rules.refusals import CallFailed, Refused
from integrations.services.calling import caller_for
from integrations.services.connections import outcome_of_failure
from integrations.services.deposits import record
from integrations.services.deposits.requesting import keep_page, open_page
from integrations.services.sync import take_in

_A_ROUND = 200


@transaction.atomic
def tend_deposits(*, now: datetime) -> int:
    """Have those pages closed whose hold was let go or is over; return how many.

    A payment that is on its way by a bank is waited for.
    """
    standing = Hold.objects.filter(pk=OuterRef("hold"), expires_at__gt=now)
    due = Deposit.objects.filter(
        ~Exists(standing),
        state=DepositState.REQUESTED,
        pending_at=None,
        closing_at=None,
    ).select_for_update(of=("self",), skip_locked=True)
    found = list(due.order_by("created_at")[:_A_ROUND])
    for deposit in found:
        deposit.closing_at = now
        if deposit.connection_id is None:
            record.move(deposit, DepositState.FAILED, now=now)
            continue
        deposit.save()
        record.have_done(record.EXPIRE_SESSION, deposit)
    return len(found)


def deliver_expire_session(message: OutboxMessage, *, now: datetime) -> Outcome:
    """Close a page at Stripe; who has paid meanwhile is heard at once."""
    deposit = Deposit.objects.filter(pk=message.aggregate_id).first()
    if (
        deposit is None
        or deposit.connection is None
        or deposit.state != DepositState.REQUESTED
        or deposit.pending_at is not None
    ):
        return Outcome(kind=AttemptOutcome.UNWANTED, error="It is not open any more.")
    connection = deposit.connection
    if connection.state != ConnectionState.ACTIVE:
        because = connection.attention or "The connection is paused."
        return Outcome(kind=AttemptOutcome.PARKED, error=because)
    try:
        return _close(deposit, connection, now=now)
    except CallFailed as failure:
        return outcome_of_failure(failure, connection=connection, now=now)


def _close(deposit: Deposit, connection: Connection, *, now: datetime) -> Outcome:
    session_id = deposit.session_id or _find(deposit, connection, now=now)
    if not session_id:
        return Outcome(kind=AttemptOutcome.OK, response_excerpt="It was never opened.")
    remote = payments.close_page(caller_for(connection), session_id)
    took = take_in(connection=connection, remotes=[remote], inbound=None, now=now)
    return Outcome(kind=AttemptOutcome.OK, response_excerpt=took.note)


def _find(deposit: Deposit, connection: Connection, *, now: datetime) -> str:
    """Learn what became of a page whose answer was lost; "" where there is none.

    The same question under the same key: Stripe answers as it did, or refuses, since
    the page would be open for too short a time by now.
    """
    try:
        page = open_page(deposit, connection=connection)
    except Refused:
        with transaction.atomic():
            current = record.locked_deposit(deposit.pk)
            if current.state == DepositState.REQUESTED and not current.session_id:
                record.move(current, DepositState.FAILED, now=now)
        return ""
    return keep_page(deposit.pk, page, now=now).session_id

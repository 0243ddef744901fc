"""Move a deposit on, and say so in the same transaction."""

from datetime import datetime
from typing import Any
from uuid import UUID

from core.actors import SYSTEM, Actor
from core.events import emit
from core.outbox import enqueue
from integrations.connectors.stripe.reading import DEPOSIT_NOTE
from integrations.models import Deposit, DepositState
from integrations.rules.deposits import may_become

REFUND, EXPIRE_SESSION = "refund", "expire_session"
_LONGEST = 300


def locked_deposit(deposit_id: UUID) -> Deposit:
    """Lock a deposit and return it as it is now. Needs a transaction."""
    return Deposit.objects.select_for_update(of=("self",)).get(pk=deposit_id)


def move(
    deposit: Deposit,
    state: DepositState,
    *,
    now: datetime,
    actor: Actor = SYSTEM,
    reason: str = "",
) -> None:
    """Store a locked deposit in its next state.

    Emits:
        deposit.paid, deposit.refund_due, deposit.refunded, deposit.expired,
        deposit.failed or deposit.needs_attention
    Raises:
        ValueError: it does not move back.
    """
    if not may_become(deposit.state, state):
        raise ValueError(f"A deposit that is {deposit.state} cannot be {state}.")
    deposit.state = state
    is_flagged = state == DepositState.NEEDS_ATTENTION
    deposit.attention = reason[:_LONGEST] if is_flagged else ""
    deposit.save()
    if state != DepositState.REFUNDING:
        tell(deposit, state, now=now, actor=actor, reason=reason)


def tell(
    deposit: Deposit,
    what: str,
    *,
    now: datetime,
    actor: Actor = SYSTEM,
    reason: str = "",
) -> None:
    """Say what became of a deposit. It names nobody."""
    emit(
        f"deposit.{what}",
        of=("deposit", deposit.pk),
        actor=actor,
        now=now,
        reason=reason,
        location_id=deposit.location_id,
        data={
            "state": str(deposit.state),
            "amount_cents": deposit.amount_cents,
            "received_cents": deposit.received_cents,
            "refunded_cents": deposit.refunded_cents,
            "currency": deposit.currency,
            "hold": str(deposit.hold),
            "appointment": _id_or_none(deposit.appointment_id),
            "lead": _id_or_none(deposit.lead_id),
        },
    )


def send_back(
    deposit: Deposit, *, reason: str, now: datetime, actor: Actor = SYSTEM
) -> None:
    """Have all that is left of a locked deposit refunded, once.

    Emits:
        deposit.refund_due
    """
    deposit.refund_number += 1
    deposit.refund_id, deposit.refund_reason = "", reason[:_LONGEST]
    move(deposit, DepositState.REFUND_DUE, now=now, actor=actor, reason=reason)
    have_done(REFUND, deposit, number=deposit.refund_number)


def have_done(kind: str, deposit: Deposit, **payload: Any) -> None:
    """Write down what the vendor has to do about a deposit."""
    enqueue(
        kind=kind,
        destination=str(deposit.connection_id),
        of=("deposit", deposit.pk),
        payload=payload,
    )


def notes_of(deposit: Deposit) -> dict[str, str]:
    """Return what the vendor keeps of ours, and tells with each callback."""
    return {
        DEPOSIT_NOTE: str(deposit.pk),
        "hold_id": str(deposit.hold),
        "appointment_id": str(deposit.appointment_id or ""),
    }


def refund_key(deposit: Deposit) -> str:
    """Return under what the present refund of a deposit is known to the vendor."""
    return f"ref-{deposit.pk}-{deposit.refund_number}"


def _id_or_none(key: UUID | None) -> str | None:
    return None if key is None else str(key)

"""Whether a connection is used: paused, resumed, or waiting for attention."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from core.actors import SYSTEM, Actor
from core.models.outbox import AttemptOutcome
from core.outbox import Outcome
from core.services import park, unpark
from integrations.models import Connection, ConnectionState
from integrations.rules.refusals import (
    Busy,
    CallFailed,
    NoAnswer,
    NotAllowed,
    NotSent,
    Postponed,
    Refused,
)
from integrations.services.connections.keeping import locked, save, tell

# What was parked goes out the oldest first, this many a second.
LET_GO_PER_SECOND = 5.0
_LONGEST = 300

# The first that fits counts.
_OUTCOMES: tuple[tuple[type[CallFailed], AttemptOutcome], ...] = (
    (Postponed, AttemptOutcome.POSTPONED),
    (NotSent, AttemptOutcome.RETRYABLE),
    (Busy, AttemptOutcome.RETRYABLE),
    (NoAnswer, AttemptOutcome.UNKNOWN),
    (NotAllowed, AttemptOutcome.PARKED),
    (Refused, AttemptOutcome.REJECTED),
)


@transaction.atomic
def pause_connection(
    *,
    connection_id: UUID,
    actor: Actor,
    now: datetime,
    reason: str = "",
    expected_version: int | None = None,
) -> Connection:
    """Leave the vendor alone, and park what waits for it; twice is as good as once.

    Emits:
        connection.paused
    Raises:
        VersionConflict, NotFound
    """
    connection = locked(connection_id, actor=actor, expected_version=expected_version)
    if connection.state == ConnectionState.PAUSED:
        return connection
    connection.state = ConnectionState.PAUSED
    connection.attention = ""
    save(connection)
    waiting = park(destination=str(connection.pk))
    tell("paused", connection, actor=actor, now=now, reason=reason, parked=waiting)
    return connection


@transaction.atomic
def resume_connection(
    *,
    connection_id: UUID,
    actor: Actor,
    now: datetime,
    expected_version: int | None = None,
) -> Connection:
    """Use the connection again as it is, and let go what was parked, the oldest first.

    Emits:
        connection.resumed
    Raises:
        VersionConflict, NotFound
    """
    connection = locked(connection_id, actor=actor, expected_version=expected_version)
    if connection.state != ConnectionState.ACTIVE:
        waiting = activate(connection)
        tell("resumed", connection, actor=actor, now=now, let_go=waiting)
    return connection


def activate(connection: Connection) -> int:
    """Use a locked connection again; return how many messages go out."""
    connection.state = ConnectionState.ACTIVE
    connection.attention = ""
    save(connection)
    return unpark(destination=str(connection.pk), per_second=LET_GO_PER_SECOND)


@transaction.atomic
def mark_needs_attention(
    *, connection: Connection, because: str, now: datetime
) -> bool:
    """Leave the vendor alone until a person has put it right; told once.

    `connection` is as it was when the vendor refused it: where its credentials have
    been changed since, nothing happens, and the answer is False.

    Emits:
        connection.needs_attention
    """
    rows = Connection.objects.select_for_update(of=("self",))
    current = rows.filter(pk=connection.pk, state=ConnectionState.ACTIVE).first()
    if current is None or current.credentials != connection.credentials:
        return False
    current.state = ConnectionState.NEEDS_ATTENTION
    current.attention = because[:_LONGEST] or "The vendor refuses us."
    save(current)
    waiting = park(destination=str(current.pk))
    tell(
        "needs_attention",
        current,
        actor=SYSTEM,
        now=now,
        reason=current.attention,
        parked=waiting,
    )
    return True


def outcome_of_failure(
    failure: CallFailed, *, connection: Connection, now: datetime
) -> Outcome:
    """Return what a failed call means for a message to `connection`.

    Where the vendor refuses our credentials, the connection waits for a person.
    """
    kind = next(kind for refusal, kind in _OUTCOMES if isinstance(failure, refusal))
    if kind is AttemptOutcome.PARKED and not mark_needs_attention(
        connection=connection, because=str(failure), now=now
    ):
        kind = _after_refusal(connection)
    return Outcome(
        kind=kind,
        http_status=failure.status,
        error=f"{failure.code}: {failure}" if failure.code else str(failure),
        response_excerpt=failure.excerpt,
        retry_after=failure.retry_after,
        is_guarded=True,
    )


def _after_refusal(connection: Connection) -> AttemptOutcome:
    """Return what becomes of a message whose connection is no longer as it was."""
    state = Connection.objects.filter(pk=connection.pk).values_list("state", flat=True)
    if state.first() == ConnectionState.ACTIVE:
        return AttemptOutcome.POSTPONED  # it has new credentials: try them
    return AttemptOutcome.PARKED

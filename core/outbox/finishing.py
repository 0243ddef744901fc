"""Write down what came of a leased message."""

from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import connection

from core.models import OutboxMessage
from core.models.outbox import AttemptOutcome, OutboxStatus
from core.outbox.outcomes import Outcome, storable, verdict

log = structlog.get_logger(__name__)

A_YEAR = timedelta(days=365)
_NOT_TRIED = (AttemptOutcome.PARKED, AttemptOutcome.POSTPONED)

# With each delivery there is: one statement, by which the message, the try and the end
# of the lease are written down together.
_FINISH = """
WITH held AS (
    UPDATE core_outboxmessage
    SET status = %(status)s,
        attempts = attempts - %(unspent)s,
        next_attempt_at = coalesce(
            statement_timestamp() + %(wait)s::interval, next_attempt_at
        ),
        hinted_at = CASE WHEN %(wait)s::interval IS NULL THEN hinted_at END,
        finished_at = CASE WHEN %(is_end)s THEN statement_timestamp() END,
        lease_token = NULL,
        lease_until = NULL,
        last_outcome = %(outcome)s,
        last_error = %(error)s
    WHERE id = %(id)s AND status = 'leased' AND lease_token = %(token)s
    RETURNING id
), tried AS (
    INSERT INTO core_deliveryattempt (
        message_id, number, started_at, duration_ms, outcome, http_status, error,
        response_excerpt, retry_after_seconds
    )
    SELECT held.id,
           1 + coalesce((
               SELECT max(number) FROM core_deliveryattempt WHERE message_id = held.id
           ), 0),
           %(started_at)s, %(duration_ms)s, %(outcome)s, %(http_status)s, %(error)s,
           %(response_excerpt)s, %(retry_after)s
    FROM held
    WHERE %(was_tried)s
)
SELECT count(*) FROM held
"""


def finish(
    *, message: OutboxMessage, outcome: Outcome, started_at: datetime, seconds: float
) -> bool:
    """Write down what came of a leased message.

    Returns False, having changed nothing, where the lease was lost to somebody else.
    """
    change = verdict(message=message, outcome=outcome)
    said: dict[str, Any] = {
        "id": message.pk,
        "token": message.lease_token,
        "status": change.status,
        "unspent": 0 if change.is_spent else 1,
        "wait": change.wait,
        "is_end": change.is_end,
        "was_tried": outcome.kind not in _NOT_TRIED,
        "started_at": started_at,
        "duration_ms": round(seconds * 1000),
        "outcome": outcome.kind,
        "http_status": outcome.http_status,
        "error": storable(outcome.error, length=500),
        "response_excerpt": storable(outcome.response_excerpt, length=2000),
        "retry_after": _seconds(outcome.retry_after),
    }
    with connection.cursor() as cursor:
        cursor.execute(_FINISH, said)
        (found,) = cursor.fetchone()
    if not found:
        log.warning("outbox_lease_lost", message_id=message.pk, kind=message.kind)
        return False
    if change.status == OutboxStatus.DEAD:
        message.last_error = said["error"]
        mourn(message)
    return True


def mourn(message: OutboxMessage) -> None:
    """Be loud: a person has to look at this, and may replay it."""
    log.error(
        "outbox_message_dead",
        message_id=message.pk,
        kind=message.kind,
        destination=message.destination,
        attempts=message.attempts,
        error=message.last_error,
    )


def _seconds(duration: timedelta | None) -> int | None:
    return None if duration is None else int(min(duration, A_YEAR).total_seconds())

"""Write down what came of a leased message."""

import json
import uuid
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import connection

from core.models import OutboxMessage
from core.models.outbox import AttemptOutcome, OutboxStatus
from core.outbox.outcomes import LEASE, Outcome, Verdict, storable, verdict

log = structlog.get_logger(__name__)

A_YEAR = timedelta(days=365)
_NOT_TRIED = (AttemptOutcome.PARKED, AttemptOutcome.POSTPONED)

# The message, the try and the end of the lease are written down together.
_HELD = """
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
"""
_FINISH = f"{_HELD} SELECT count(*) FROM held"  # noqa: S608  # ours alone

# With each delivery there is: by the same statement the first is leased that waits and
# that nobody else is about to take. It waits for no lock, so it can be part of no
# circle. It does not yet see the end of what was just finished, and is told of it. Of
# states and of what has expired `claim` knows more.
_FINISH_AND_CLAIM_NEXT = f"""{_HELD}
, first AS (
    SELECT m.id
    FROM core_outboxmessage m
    WHERE EXISTS (SELECT FROM held)
    AND m.destination = %(destination)s AND m.kind = %(kind)s
    AND m.status = 'pending' AND NOT m.coalesce
    AND m.next_attempt_at <= statement_timestamp()
    AND m.attempts < m.max_attempts
    AND (m.expires_at IS NULL OR m.expires_at > %(now)s)
    AND m.id = (
        SELECT front.id FROM core_outboxmessage front
        WHERE front.ordering_key = m.ordering_key
        AND front.status IN ('pending', 'leased')
        AND NOT (%(is_end)s AND front.id = %(id)s)
        ORDER BY front.id
        LIMIT 1
    )
    AND %(leases)s > (
        SELECT count(*) FROM core_outboxmessage busy
        WHERE busy.destination = %(destination)s AND busy.id <> %(id)s
        AND busy.status = 'leased' AND busy.lease_until >= statement_timestamp()
    )
    ORDER BY m.id
    LIMIT 1
    FOR UPDATE SKIP LOCKED
), following AS (
    UPDATE core_outboxmessage o
    SET status = 'leased',
        attempts = o.attempts + 1,
        lease_token = %(next_token)s::uuid,
        lease_until = statement_timestamp() + %(lease)s::interval
    FROM first
    WHERE o.id = first.id
    RETURNING o.*
)
SELECT (SELECT count(*) FROM held) AS held, following.*
FROM (SELECT) AS always LEFT JOIN following ON true
"""  # noqa: S608  # ours alone


def finish(
    *, message: OutboxMessage, outcome: Outcome, started_at: datetime, seconds: float
) -> bool:
    """Write down what came of a leased message.

    Returns False, having changed nothing, where the lease was lost to somebody else.
    """
    change = verdict(message=message, outcome=outcome)
    said = _said(message, outcome, change, started_at=started_at, seconds=seconds)
    with connection.cursor() as cursor:
        cursor.execute(_FINISH, said)
        (held,) = cursor.fetchone()
    return _look_at(message, change, held=held, error=said["error"])


def finish_and_claim_next(
    *,
    message: OutboxMessage,
    outcome: Outcome,
    started_at: datetime,
    seconds: float,
    now: datetime,
) -> OutboxMessage | None:
    """Write down what came of a message, and lease what waits next for the same place.

    None where nothing does that could be sent as it is: see `ring_for_next`.
    """
    change = verdict(message=message, outcome=outcome)
    said = _said(message, outcome, change, started_at=started_at, seconds=seconds)
    said |= {
        "destination": message.destination,
        "kind": message.kind,
        "now": now,
        "next_token": uuid.uuid4(),
        "lease": LEASE,
        "leases": settings.OUTBOX_LEASES_PER_DESTINATION,
    }
    with connection.cursor() as cursor:
        cursor.execute(_FINISH_AND_CLAIM_NEXT, said)
        held, *values = cursor.fetchone()
        names = [column.name for column in cursor.description[1:]]
    _look_at(message, change, held=held, error=said["error"])
    found = dict(zip(names, values, strict=True))
    if found["id"] is None:
        return None
    found["payload"] = json.loads(found["payload"])
    fields = OutboxMessage._meta.concrete_fields
    values = [found[str(field.column)] for field in fields]
    names = [field.attname for field in fields]
    return OutboxMessage.from_db(connection.alias, names, values)


def _said(
    message: OutboxMessage,
    outcome: Outcome,
    change: Verdict,
    *,
    started_at: datetime,
    seconds: float,
) -> dict[str, Any]:
    return {
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


def _look_at(message: OutboxMessage, change: Verdict, *, held: int, error: str) -> bool:
    """Speak of what a person should know of; return whether the lease was held."""
    if not held:
        log.warning("outbox_lease_lost", message_id=message.pk, kind=message.kind)
    elif change.status == OutboxStatus.DEAD:
        message.last_error = error
        mourn(message)
    return bool(held)


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

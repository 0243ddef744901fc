"""Lease a message, and write down what came of it."""

import uuid
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Max

from core.hints import ring
from core.models import DeliveryAttempt, OutboxMessage
from core.models.outbox import AttemptOutcome, OutboxStatus
from core.outbox.outcomes import Outcome, storable, verdict

log = structlog.get_logger(__name__)

# Longer than any try may take: 3 s to connect, 15 s to read, 20 s in all, and a margin.
LEASE = timedelta(seconds=45)
_NOT_TRIED = (AttemptOutcome.PARKED, AttemptOutcome.POSTPONED)
A_YEAR = timedelta(days=365)
_LOST = "The worker that had it did not come back."

# The message and those before it are locked in the order of their ids, so that two
# workers see one truth about who is in front, and never wait in a circle. The verdict
# then looks at rows that nobody else can change.
_CLAIM = """
WITH line AS (
    SELECT o.*
    FROM core_outboxmessage o
    JOIN core_outboxmessage wanted ON wanted.ordering_key = o.ordering_key
    WHERE wanted.id = %(id)s AND o.id <= wanted.id AND o.status IN ('pending', 'leased')
    ORDER BY o.id
    FOR UPDATE OF o
), mine AS (
    SELECT m.*, CASE
        WHEN m.coalesce AND EXISTS (
            SELECT FROM core_outboxmessage newer
            WHERE newer.ordering_key = m.ordering_key AND newer.id > m.id
            AND newer.coalesce AND newer.status = 'pending'
        ) THEN 'superseded'
        WHEN m.expires_at <= %(now)s THEN 'dead'
        WHEN m.attempts >= m.max_attempts THEN 'dead'
        ELSE 'leased' END AS verdict
    FROM line m
    WHERE m.id = %(id)s
    AND CASE m.status
        WHEN 'pending' THEN m.next_attempt_at <= statement_timestamp()
        ELSE m.lease_until < statement_timestamp() END
    AND NOT EXISTS (
        SELECT FROM line front
        WHERE front.id < m.id
        AND NOT (m.coalesce AND front.coalesce AND front.status = 'pending')
    )
    AND %(leases)s > (
        SELECT count(*) FROM core_outboxmessage busy
        WHERE busy.destination = m.destination AND busy.id <> m.id
        AND busy.status = 'leased' AND busy.lease_until >= statement_timestamp()
    )
), older AS (
    UPDATE core_outboxmessage o
    SET status = 'superseded', finished_at = statement_timestamp()
    FROM line, mine
    WHERE o.id = line.id AND line.id < mine.id
)
UPDATE core_outboxmessage o
SET status = mine.verdict,
    attempts = o.attempts + CASE mine.verdict WHEN 'leased' THEN 1 ELSE 0 END,
    lease_token = CASE mine.verdict WHEN 'leased' THEN %(token)s::uuid END,
    lease_until = CASE mine.verdict
        WHEN 'leased' THEN statement_timestamp() + %(lease)s END,
    finished_at = CASE mine.verdict
        WHEN 'leased' THEN NULL ELSE statement_timestamp() END,
    last_outcome = CASE mine.status
        WHEN 'leased' THEN 'unknown' ELSE o.last_outcome END,
    last_error = CASE
        WHEN mine.verdict = 'dead' AND mine.expires_at <= %(now)s
        THEN 'Its time had passed.'
        WHEN mine.status = 'leased' THEN %(lost)s
        ELSE o.last_error END
FROM mine
WHERE o.id = mine.id
RETURNING o.*, mine.status AS status_before, mine.lease_until AS lease_before
"""


@transaction.atomic
def claim(*, message_id: int, now: datetime) -> OutboxMessage | None:
    """Lease a message that is due and whose turn it is; None where it is not.

    Losing a race for it is nothing special: somebody else sends it. An expired lease
    is taken over, and its holder's try is written down as `unknown`. Leases run by the
    database's clock; `now` only tells what has expired.
    """
    parameters = {
        "id": message_id,
        "now": now,
        "token": uuid.uuid4(),
        "lease": LEASE,
        "leases": settings.OUTBOX_LEASES_PER_DESTINATION,
        "lost": _LOST,
    }
    found = next(iter(OutboxMessage.objects.raw(_CLAIM, parameters)), None)
    if found is None:
        return None
    before: Any = found  # it carries two columns more than its model
    if before.status_before == OutboxStatus.LEASED:
        _record_lost_try(found, ended_at=before.lease_before)
    if found.status == OutboxStatus.LEASED:
        return found
    if found.status == OutboxStatus.DEAD:
        _mourn(found)
    _ring_for_next(found)
    return None


@transaction.atomic
def finish(
    *, message: OutboxMessage, outcome: Outcome, started_at: datetime, seconds: float
) -> bool:
    """Write down what came of a leased message, and ring for the next in line.

    Returns False, having changed nothing, where the lease was lost to somebody else.
    """
    held = OutboxMessage.objects.filter(
        pk=message.pk, status=OutboxStatus.LEASED, lease_token=message.lease_token
    )
    change = verdict(message=message, outcome=outcome)
    released = {"lease_token": None, "lease_until": None}
    if not held.update(**released, **change):
        log.warning("outbox_lease_lost", message_id=message.pk, kind=message.kind)
        return False
    if outcome.kind not in _NOT_TRIED:
        DeliveryAttempt.objects.create(
            message=message,
            number=_next_number(message),
            started_at=started_at,
            duration_ms=round(seconds * 1000),
            outcome=outcome.kind,
            http_status=outcome.http_status,
            error=storable(outcome.error, length=500),
            response_excerpt=storable(outcome.response_excerpt, length=2000),
            retry_after_seconds=_seconds(outcome.retry_after),
        )
    if change["status"] == OutboxStatus.DEAD:
        message.last_error = change["last_error"]
        _mourn(message)
    _ring_for_next(message)
    return True


def _record_lost_try(message: OutboxMessage, *, ended_at: datetime) -> None:
    DeliveryAttempt.objects.create(
        message=message,
        number=_next_number(message),
        started_at=ended_at - LEASE,
        duration_ms=LEASE.total_seconds() * 1000,
        outcome=AttemptOutcome.UNKNOWN,
        error=_LOST,
    )


def _next_number(message: OutboxMessage) -> int:
    """Number the tries of all chains; the caller holds the message's row."""
    last = message.delivery_attempts.aggregate(last=Max("number"))["last"]
    return (last or 0) + 1


def _ring_for_next(message: OutboxMessage) -> None:
    """Ring for the first that waited for this one at its destination."""
    waiting = OutboxMessage.objects.due().in_turn().order_by("pk")
    following = waiting.filter(destination=message.destination).first()
    if following is not None:
        ring("core.tasks.deliver", message_id=following.pk)


def _mourn(message: OutboxMessage) -> None:
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

"""Lease the message that a hint named."""

import uuid
from datetime import datetime

from django.conf import settings
from django.db import connection

from core.models import OutboxMessage
from core.models.outbox import OutboxStatus
from core.outbox.finishing import mourn
from core.outbox.outcomes import LEASE
from core.outbox.writing import ring_for

_LOST = "The worker that had it did not come back."

# Most hints come too late: somebody took the message along. That costs no more than a
# look; and most of the others can be leased without a look at their whole line.
_LOOK = """
    SELECT coalesce OR status = 'leased' OR attempts >= max_attempts
           OR coalesce(expires_at <= %(now)s, false)
    FROM core_outboxmessage
    WHERE id = %(id)s
    AND (status = 'pending' AND next_attempt_at <= statement_timestamp()
         OR status = 'leased' AND lease_until < statement_timestamp())
"""

# An event that waits for nothing in front of it: what is in front can only end, and
# what comes after has a greater id.
_CLAIM_EVENT = """
UPDATE core_outboxmessage o
SET status = 'leased',
    attempts = o.attempts + 1,
    lease_token = %(token)s::uuid,
    lease_until = statement_timestamp() + %(lease)s::interval
WHERE o.id = %(id)s
AND o.status = 'pending' AND o.next_attempt_at <= statement_timestamp()
AND o.id = (
    SELECT front.id FROM core_outboxmessage front
    WHERE front.ordering_key = o.ordering_key
    AND front.status IN ('pending', 'leased')
    ORDER BY front.id
    LIMIT 1
)
AND %(leases)s > (
    SELECT count(*) FROM core_outboxmessage busy
    WHERE busy.destination = o.destination AND busy.id <> o.id
    AND busy.status = 'leased' AND busy.lease_until >= statement_timestamp()
)
RETURNING o.*
"""

# Of a state, or of one that was lost or has expired, the whole line has a say. The
# message and those before it are locked in the order of their ids, so that two
# workers see one truth about who is in front, and never wait in a circle. The verdict
# then looks at rows that nobody else can change.
_CLAIM_IN_LINE = """
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
), lost AS (
    INSERT INTO core_deliveryattempt (
        message_id, number, started_at, duration_ms, outcome, error, response_excerpt
    )
    SELECT mine.id,
           1 + coalesce((
               SELECT max(number) FROM core_deliveryattempt WHERE message_id = mine.id
           ), 0),
           mine.lease_until - %(lease)s::interval,
           extract(epoch FROM %(lease)s::interval) * 1000,
           'unknown', %(lost)s, ''
    FROM mine
    WHERE mine.status = 'leased'
)
UPDATE core_outboxmessage o
SET status = mine.verdict,
    attempts = o.attempts + CASE mine.verdict WHEN 'leased' THEN 1 ELSE 0 END,
    lease_token = CASE mine.verdict WHEN 'leased' THEN %(token)s::uuid END,
    lease_until = CASE mine.verdict
        WHEN 'leased' THEN statement_timestamp() + %(lease)s::interval END,
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
RETURNING o.*
"""


def claim(*, message_id: int, now: datetime) -> OutboxMessage | None:
    """Lease a message that is due and whose turn it is; None where it is not.

    Losing a race for it is nothing special: somebody else sends it. An expired lease
    is taken over, and its holder's try is written down as `unknown`. Leases run by the
    database's clock; `now` only tells what has expired.
    """
    asked = {
        "id": message_id,
        "now": now,
        "lost": _LOST,
        "token": uuid.uuid4(),
        "lease": LEASE,
        "leases": settings.OUTBOX_LEASES_PER_DESTINATION,
    }
    with connection.cursor() as cursor:
        cursor.execute(_LOOK, asked)
        due = cursor.fetchone()
    if due is None:
        return None
    statement = _CLAIM_IN_LINE if due[0] else _CLAIM_EVENT
    found = next(iter(OutboxMessage.objects.raw(statement, asked)), None)
    if found is None or found.status == OutboxStatus.LEASED:
        return found
    if found.status == OutboxStatus.DEAD:
        mourn(found)
    ring_for_next(found)
    return None


def ring_for_next(message: OutboxMessage) -> None:
    """Ring for the first that waits for the destination of a message."""
    waiting = OutboxMessage.objects.due().in_turn().order_by("pk")
    following = waiting.filter(destination=message.destination).first()
    if following is not None:
        ring_for(following)

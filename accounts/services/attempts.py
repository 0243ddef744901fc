"""Count attempts where the count must be exact and must survive: in PostgreSQL."""

from datetime import datetime, timedelta

from django.db import connection
from django.utils.crypto import salted_hmac

from accounts.models import AttemptCounter, AttemptScope


def take_attempt(
    *, scope: AttemptScope, key: str, limit: int, window: timedelta, now: datetime
) -> timedelta | None:
    """Count an attempt; return how long to wait if it is one too many.

    `limit` attempts may be made within `window`. The last of them starts a pause of
    another `window`. It is counted before it is made, in one statement, so that many
    at once cannot slip through together.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO accounts_attemptcounter AS seen"
            " (scope, key_hash, count, started_at)"
            " VALUES (%(scope)s, %(key)s, 1, %(now)s)"
            " ON CONFLICT (scope, key_hash) DO UPDATE SET"
            " count = CASE WHEN seen.started_at <= %(forgotten)s THEN 1"
            "  ELSE least(seen.count + 1, %(limit)s + 1) END,"
            " started_at = CASE"
            "  WHEN seen.started_at <= %(forgotten)s OR seen.count + 1 = %(limit)s"
            "  THEN %(now)s ELSE seen.started_at END"
            " RETURNING count, started_at",
            {
                "scope": scope.value,
                "key": _hash_of(key),
                "limit": limit,
                "now": now,
                "forgotten": now - window,
            },
        )
        count, started_at = cursor.fetchone()
    return started_at + window - now if count > limit else None


def forget_attempts(*, scope: AttemptScope, key: str) -> None:
    """Begin to count anew: the last attempt was a good one."""
    AttemptCounter.objects.filter(scope=scope, key_hash=_hash_of(key)).delete()


def _hash_of(key: str) -> str:
    return salted_hmac("accounts.attempts", key, algorithm="sha256").hexdigest()

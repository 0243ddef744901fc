"""One effect per key: the key and what it answered commit together with the effect.

A crash between the two is impossible, so a repeated request either finds the answer
or finds nothing and may run.
"""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import psycopg
from django.db import OperationalError, connection

from core.errors import Conflict, Rejected
from core.models import IdempotencyRecord

LIFETIME = timedelta(hours=72)
_LOCK_TIMEOUT = "55P03"


class IdempotencyMismatch(Rejected):
    """The key was used before, for another request."""

    code = "idempotency_mismatch"
    title = "The key belongs to another request"


class RequestInProgress(Conflict):
    """The first request with this key is still running; ask again."""

    code = "request_in_progress"
    title = "Still running"
    retry_after = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A keyed request: who asks what of whom, and a hash of how they put it."""

    principal: str
    route: str
    key: str
    request_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the call was answered with."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


def begin(call: Call, *, now: datetime) -> Answer | None:
    """Take the key, in the caller's transaction; return the answer if there is one.

    A call that runs at this moment elsewhere is waited for: its transaction holds
    the key's place in the unique index.

    Raises:
        IdempotencyMismatch: the key stands for another request.
        RequestInProgress: the other call takes longer than we wait.
    """
    if _insert(call, now=now):
        return None
    found = IdempotencyRecord.objects.filter(**_identity(call))
    found.filter(expires_at__lte=now).delete()
    record = found.first()
    if record is None and _insert(call, now=now):
        return None
    if record is not None and record.request_hash != call.request_hash:
        raise IdempotencyMismatch("Use a new key for a new request.")
    if record is None or record.status_code is None or record.body is None:
        raise RequestInProgress("The first request with this key still runs.")
    return Answer(
        status=record.status_code, body=bytes(record.body), headers=record.headers
    )


def finish(call: Call, answer: Answer) -> None:
    """Keep the answer of a call that `begin` let through, in its transaction."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE core_idempotencyrecord"
            " SET status_code = %s, body = %s, headers = %s::jsonb"
            " WHERE principal = %s AND route = %s AND key = %s",
            [
                answer.status,
                answer.body,
                json.dumps(answer.headers),
                call.principal,
                call.route,
                call.key,
            ],
        )


def _identity(call: Call) -> dict[str, str]:
    return {"principal": call.principal, "route": call.route, "key": call.key}


def _insert(call: Call, *, now: datetime) -> bool:
    """Insert the record unless it is there; tell whether it was inserted."""
    with connection.cursor() as cursor:
        try:
            cursor.execute(
                "SELECT take_idempotency_key(%s, %s, %s, %s, %s, %s)",
                [
                    call.principal,
                    call.route,
                    call.key,
                    call.request_hash,
                    now,
                    now + LIFETIME,
                ],
            )
        except OperationalError as error:
            cause = error.__cause__
            if isinstance(cause, psycopg.Error) and cause.sqlstate == _LOCK_TIMEOUT:
                raise RequestInProgress(
                    "The first request with this key still runs."
                ) from error
            raise
        return bool(cursor.fetchone()[0])

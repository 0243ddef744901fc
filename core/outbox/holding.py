"""Keep the leases of those who are still at it.

A lease is short, so that the messages of a worker that was killed, and their places at
the destination, are soon free again. Who waits longer for an answer prolongs it.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any
from uuid import UUID

import structlog
from django.db import DatabaseError, InterfaceError, connection

from core.models import OutboxMessage
from core.outbox.outcomes import LEASE

log = structlog.get_logger(__name__)

# Three times before a lease ends.
PROLONG_SECONDS = 5.0
# No try takes so long: 3 s to connect, 15 s to read, 20 s in all. What hangs is lost.
LONGEST_TRY = 40.0

# What this process is sending: by message the token, and when we give it up.
_held: dict[int, tuple[UUID | None, float]] = {}

_is_over = threading.Event()  # not before the process is

_PROLONG = """
    UPDATE core_outboxmessage o
    SET lease_until = statement_timestamp() + %(lease)s::interval
    FROM unnest(%(ids)s::bigint[], %(tokens)s::uuid[]) AS mine (id, token)
    WHERE o.id = mine.id AND o.status = 'leased' AND o.lease_token = mine.token
"""


@contextmanager
def held(message: OutboxMessage) -> Iterator[None]:
    """Mark a message as being sent by us while the block lasts."""
    _held[message.pk] = (message.lease_token, time.monotonic() + LONGEST_TRY)
    try:
        yield
    finally:
        _held.pop(message.pk, None)


def prolong() -> int:
    """Prolong the leases of all that this process is sending; return how many."""
    here = time.monotonic()
    still = {pk: token for pk, (token, ends) in list(_held.items()) if ends > here}
    if not still:
        return 0
    asked: dict[str, Any] = {
        "lease": LEASE,
        "ids": list(still),
        "tokens": list(still.values()),
    }
    with connection.cursor() as cursor:
        cursor.execute(_PROLONG, asked)
        return int(cursor.rowcount)


@cache
def keep_leases() -> threading.Thread:
    """Prolong leases from now on, in a thread of this process."""
    keeper = threading.Thread(target=_keep, name="leases", daemon=True)
    keeper.start()
    return keeper


def _keep() -> None:
    while not _is_over.wait(PROLONG_SECONDS):
        try:
            prolong()
        except (DatabaseError, InterfaceError) as error:
            # They end, others take over, and our late word changes nothing.
            log.warning("leases_not_prolonged", error=str(error))
        finally:
            connection.close()

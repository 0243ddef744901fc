"""Lease what a vendor said to one worker, and write down what became of it.

As the outbox does: a try counts when it begins, so that what kills its worker each
time comes to an end; a lease ends by itself; and whoever comes back too late holds an
outdated token, and changes nothing. All times are of the database's clock.
"""

import random
import uuid
from datetime import timedelta

import structlog
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from core.hints import ring
from core.outbox.outcomes import storable
from integrations.models import ConnectionState, InboundEvent, InboundState
from integrations.services.inbox import metering

log = structlog.get_logger(__name__)

# Longer than a try takes as a rule: 20 s of calls at most. It must be short, for what a
# dead worker holds takes the places of others. Who is late is undone, and done again.
LEASE = timedelta(seconds=25)
HINT_PATIENCE = timedelta(seconds=5)
SWEEP_AT_MOST = 500
# So much of one connection is taken in at once: a vendor that is slow to tell the rest
# must not occupy all workers. Workers that look in the same instant may exceed it.
LEASES_PER_CONNECTION = 2
# After the first try, the second, ...; spread by a fifth either way. Outages are sat
# out behind the breaker and use up no tries: what fails here failed by chance, and may
# come again soon, or is poison, and comes seldom before it is given up.
RETRY_SECONDS = (1, 3, 6, 12, 30, 120, 600, 3600, 3600, 3600, 3600, 3600)
MAX_ATTEMPTS = len(RETRY_SECONDS) + 1
_JITTER = 0.2
_LOST = "The worker that had it did not come back."

_CLAIM = """
UPDATE integrations_inboundevent e
SET state = CASE WHEN e.attempts < %(most)s THEN 'leased' ELSE 'dead' END,
    attempts = e.attempts + CASE WHEN e.attempts < %(most)s THEN 1 ELSE 0 END,
    lease_token = CASE WHEN e.attempts < %(most)s THEN %(token)s::uuid END,
    lease_until = CASE
        WHEN e.attempts < %(most)s THEN statement_timestamp() + %(lease)s END,
    finished_at = CASE WHEN e.attempts < %(most)s THEN NULL
        ELSE statement_timestamp() END,
    note = CASE e.state WHEN 'leased' THEN %(lost)s ELSE e.note END
WHERE e.id = %(id)s
AND CASE e.state
    WHEN 'received' THEN e.next_attempt_at <= statement_timestamp()
    WHEN 'leased' THEN e.lease_until < statement_timestamp()
    ELSE FALSE END
AND EXISTS (
    SELECT FROM integrations_connection c
    WHERE c.id = e.connection_id AND c.state = 'active'
)
AND %(leases)s > (
    SELECT count(*) FROM integrations_inboundevent busy
    WHERE busy.connection_id = e.connection_id AND busy.id <> e.id
    AND busy.state = 'leased' AND busy.lease_until >= statement_timestamp()
)
RETURNING e.*
"""


def due() -> QuerySet[InboundEvent]:
    """Return what should be taken in now, or whose worker has died.

    What came for a connection that is not active waits for it.
    """
    return InboundEvent.objects.filter(
        Q(state=InboundState.RECEIVED, next_attempt_at__lte=Now())
        | Q(state=InboundState.LEASED, lease_until__lt=Now()),
        connection__state=ConnectionState.ACTIVE,
    )


def claim(*, event_id: int) -> InboundEvent | None:
    """Lease what is due; None where it is not, or somebody else has it.

    What was tried as often as anything may be, ends here.
    """
    parameters = {
        "id": event_id,
        "most": MAX_ATTEMPTS,
        "token": uuid.uuid4(),
        "lease": LEASE,
        "leases": LEASES_PER_CONNECTION,
        "lost": _LOST,
    }
    found = next(iter(InboundEvent.objects.raw(_CLAIM, parameters)), None)
    if found is not None and found.state == InboundState.DEAD:
        _mourn(found, because=found.note)
        return None
    return found


def finish(*, event: InboundEvent, state: InboundState, note: str) -> bool:
    """Mark what was taken in; False, with nothing changed, where the lease was lost."""
    if state == InboundState.DEAD:
        _mourn(event, because=note)
    return _release(event, state=state, note=note, finished_at=Now())


def postpone(*, event: InboundEvent, wait: timedelta, note: str) -> bool:
    """Let it wait; nothing was tried, so no try is used up."""
    attempts = F("attempts") - 1
    return _again(event, wait=wait, note=note, attempts=attempts)


def fail(*, event: InboundEvent, because: str) -> bool:
    """Let it be tried again, or give it up."""
    if event.attempts >= MAX_ATTEMPTS:
        return finish(event=event, state=InboundState.DEAD, note=because)
    seconds = RETRY_SECONDS[event.attempts - 1]
    spread = random.uniform(-_JITTER, _JITTER)  # noqa: S311  # no secret
    wait = timedelta(seconds=seconds * (1 + spread))
    return _again(event, wait=wait, note=because)


@transaction.atomic
def claim_next(*, connection_id: uuid.UUID) -> InboundEvent | None:
    """Lease the first that waits for a connection and nobody else looks at."""
    waiting = due().filter(connection=connection_id).order_by("pk")
    ids = waiting.select_for_update(skip_locked=True, of=("self",))
    event_id = ids.values_list("pk", flat=True).first()
    return None if event_id is None else claim(event_id=event_id)


def ring_for_next(*, connection_id: uuid.UUID) -> None:
    """Ring for the first that still waits for a connection."""
    waiting = due().filter(connection=connection_id).order_by("pk")
    following = waiting.values_list("pk", flat=True).first()
    if following is not None:
        ring("integrations.tasks.process_inbound", event_id=following)


def hint_at_most(count: int) -> list[int]:
    """Take what is due and was not rung for lately, and note that it is now."""
    found = list(
        due()
        .filter(Q(hinted_at=None) | Q(hinted_at__lt=Now() - HINT_PATIENCE))
        .order_by("next_attempt_at")
        .select_for_update(skip_locked=True, of=("self",))
        .values_list("pk", flat=True)[:count]
    )
    InboundEvent.objects.filter(pk__in=found).update(hinted_at=Now())
    return found


def _again(
    event: InboundEvent, *, wait: timedelta, note: str, **change: object
) -> bool:
    return _release(
        event,
        state=InboundState.RECEIVED,
        note=note,
        next_attempt_at=Now() + wait,
        hinted_at=None,
        **change,
    )


def _release(
    event: InboundEvent, *, state: InboundState, note: str, **change: object
) -> bool:
    held = InboundEvent.objects.filter(
        pk=event.pk, state=InboundState.LEASED, lease_token=event.lease_token
    )
    kept = {"state": state, "note": storable(note, length=500)}
    if not held.update(lease_token=None, lease_until=None, **kept, **change):
        log.warning("inbox_lease_lost", event_id=event.pk)
        return False
    vendor = event.connection.vendor
    metering.TAKEN_IN.labels(vendor, event.source, state).inc()
    return True


def _mourn(event: InboundEvent, *, because: str) -> None:
    """Be loud: a person has to look at this, and may have it taken in again."""
    log.error(
        "callback_dead",
        event_id=event.pk,
        connection=str(event.connection_id),
        event_type=event.event_type,
        attempts=event.attempts,
        because=because,
    )

"""Send what waits in the outbox."""

import time
from datetime import datetime, timedelta
from typing import Any, Protocol

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.module_loading import import_string

from core import outbox
from core.models import OutboxMessage
from core.models.outbox import AttemptOutcome
from core.outbox import Outcome
from core.request_log import bind_request_id

log = structlog.get_logger(__name__)

# A hint that has not been followed for so long is taken for lost.
HINT_PATIENCE = timedelta(seconds=5)
SWEEP_AT_MOST = 500


class Deliverer(Protocol):
    """Sends one kind of message (`settings.OUTBOX_DELIVERERS`).

    It is called with no transaction open, and may be called twice for one message:
    `message.key` stays the same.
    """

    def __call__(self, message: OutboxMessage, *, now: datetime) -> Outcome: ...


def deliver(*, message_id: int, now: datetime, budget: timedelta = timedelta(0)) -> int:
    """Send a message if it is due and its turn; return how many tries were made.

    As long as the budget lasts, what else waits for its destination is taken along:
    one connection serves many, and nobody has to be rung for in between.
    """
    begun = time.monotonic()
    message = outbox.claim(message_id=message_id, now=now)
    made = 0
    while message is not None:
        sent = message
        try_begun = time.monotonic()
        started_at = now + timedelta(seconds=try_begun - begun)
        outcome = _attempt(sent, now=started_at)
        seconds = time.monotonic() - try_begun
        is_left = time.monotonic() - begun < budget.total_seconds()
        message = _end(sent, outcome, started_at, seconds, and_next=is_left)
        made += 1
        if message is None:
            outbox.ring_for_next(sent)
    return made


def _end(
    message: OutboxMessage,
    outcome: Outcome,
    started_at: datetime,
    seconds: float,
    *,
    and_next: bool,
) -> OutboxMessage | None:
    """Write down what came of a try; return the next message, if it is wanted."""
    following = None
    result: dict[str, Any] = {
        "message": message,
        "outcome": outcome,
        "started_at": started_at,
        "seconds": seconds,
    }
    if and_next:
        ended_at = started_at + timedelta(seconds=seconds)
        following = outbox.finish_and_claim_next(**result, now=ended_at)
    else:
        outbox.finish(**result)
    log.info(
        "outbox_attempt",
        message_id=message.pk,
        kind=message.kind,
        attempt=message.attempts,
        outcome=outcome.kind,
        http_status=outcome.http_status,
        seconds=round(seconds, 3),
    )
    return following


@transaction.atomic
def sweep() -> int:
    """Ring for what is due and was not rung for lately; return for how many.

    This finds what a lost hint left behind, retries whose time has come, and messages
    whose worker died. A destination with a long queue does not crowd out the others.
    """
    first_in_line = (
        OutboxMessage.objects.due()
        .in_turn()
        .with_room(leases=settings.OUTBOX_LEASES_PER_DESTINATION)
    )
    not_lately = Q(hinted_at=None) | Q(hinted_at__lt=Now() - HINT_PATIENCE)
    found = list(
        OutboxMessage.objects.filter(not_lately, pk__in=first_in_line.values("pk"))
        .order_by("next_attempt_at")
        .select_for_update(skip_locked=True, of=("self",))
        .only("pk", "kind", "destination")[:SWEEP_AT_MOST]
    )
    ids = [message.pk for message in found]
    OutboxMessage.objects.filter(pk__in=ids).update(hinted_at=Now())
    for message in found:
        outbox.ring_for(message)
    return len(found)


def _attempt(message: OutboxMessage, *, now: datetime) -> Outcome:
    bind_request_id(message.request_id)
    path = settings.OUTBOX_DELIVERERS.get(message.kind)
    if path is None:
        return Outcome(
            kind=AttemptOutcome.REJECTED, error=f"Nobody delivers {message.kind!r}."
        )
    send: Deliverer = import_string(path)
    try:
        with outbox.held(message):
            return send(message, now=now)
    except Exception as error:  # a bug of one deliverer; nobody knows what was sent
        log.exception("deliverer_failed", message_id=message.pk, kind=message.kind)
        return Outcome(
            kind=AttemptOutcome.UNKNOWN, error=f"{type(error).__name__}: {error}"
        )

"""Take in what vendors said: read it, apply it, mark it, each exactly once."""

import time
from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from django.db import transaction

from core.hints import ring
from core.request_log import bind_request_id
from integrations.connectors.registry import connector_of
from integrations.models import ConnectionHealth, InboundEvent, Source
from integrations.rules.refusals import CallFailed, NotAllowed, Postponed
from integrations.rules.things import Inbound, Remote
from integrations.services.calling import caller_for
from integrations.services.connections import mark_needs_attention
from integrations.services.inbox import leasing
from integrations.services.inbox.storing import body_of
from integrations.services.sync import read_whole, remotes_in, take_in

log = structlog.get_logger(__name__)

# Where the vendor is left alone for now and nobody said for how long.
_SHORT_WAIT = timedelta(seconds=2)
# So long a worker goes on with what waits for the same connection.
_BUDGET_SECONDS = 4.0


class _LeaseLost(Exception):
    """Somebody else has it by now: what was applied is undone."""


def process_inbound(*, event_id: int, now: datetime) -> int:
    """Take in what a vendor said, if it is due, and what waits behind it.

    Returns how many tries that took. The vendor may be asked for more, with no
    transaction open. What is applied commits together with the mark that it was.
    """
    event = leasing.claim(event_id=event_id)
    if event is None:
        return 0
    connection_id = event.connection_id
    ends = time.monotonic() + _BUDGET_SECONDS
    tries = 0
    while event is not None:
        bind_request_id(event.request_id)
        _try(event, now=now)
        tries += 1
        if time.monotonic() >= ends:
            break
        event = leasing.claim_next(connection_id=connection_id)
    leasing.ring_for_next(connection_id=connection_id)
    return tries


@transaction.atomic
def sweep_inbox() -> int:
    """Ring for what a lost hint left behind, for retries, and after dead workers."""
    found = leasing.hint_at_most(leasing.SWEEP_AT_MOST)
    for event_id in found:
        ring("integrations.tasks.process_inbound", event_id=event_id)
    return len(found)


def _try(event: InboundEvent, *, now: datetime) -> None:
    try:
        remotes = read_whole(event.connection, _remotes(event), now=now)
        _apply(event, remotes, now=now)
    except Postponed as held:
        wait = held.retry_after or _SHORT_WAIT
        leasing.postpone(event=event, wait=wait, note=str(held))
    except NotAllowed as refused:
        mark_needs_attention(connection=event.connection, because=str(refused), now=now)
        leasing.postpone(event=event, wait=_SHORT_WAIT, note=str(refused))
    except CallFailed as failure:
        leasing.fail(event=event, because=str(failure))
    except _LeaseLost:
        return
    except Exception as error:  # poison, or a bug: it must not hold up the others
        log.exception("inbox_failed", event_id=event.pk, event_type=event.event_type)
        leasing.fail(event=event, because=f"{type(error).__name__}: {error}")


def _remotes(event: InboundEvent) -> Sequence[Remote]:
    """Return what it is about; what a poll found says so itself."""
    if event.source == Source.POLL:
        return remotes_in(body_of(event))
    said = Inbound(
        event_type=event.event_type,
        headers=event.headers,
        body=body_of(event),
        occurred_at=event.occurred_at,
    )
    connection = event.connection
    return connector_of(connection.vendor).read(caller_for(connection), said)


@transaction.atomic
def _apply(event: InboundEvent, remotes: Sequence[Remote], *, now: datetime) -> None:
    taken = take_in(
        connection=event.connection, remotes=remotes, inbound=event, now=now
    )
    if not leasing.finish(event=event, state=taken.state, note=taken.note):
        raise _LeaseLost
    if event.source == Source.WEBHOOK:
        health = ConnectionHealth.objects.filter(connection=event.connection_id)
        health.update(last_inbound_at=event.received_at)

"""Have something taken in again that was given up, or was nothing to us."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from core.actors import Actor
from core.errors import NotFound
from core.events import emit
from core.hints import ring
from core.ids import uuid7
from core.services import NotReplayable
from integrations.models import Connection, InboundEvent, InboundState
from integrations.models.inbox import WAITING

AT_MOST = 10_000
_RING_AT_MOST = 100
REPLAYABLE = (InboundState.DEAD, InboundState.IGNORED)


@transaction.atomic
def replay_inbound(*, event_id: int, actor: Actor, now: datetime) -> InboundEvent:
    """Take it in again; what waits already is left alone.

    Emits:
        callback.replayed
    Raises:
        NotReplayable: it has had its effect, or something newer had.
        NotFound
    """
    mine = InboundEvent.objects.filter(
        connection__in=Connection.objects.visible_to(actor)
    )
    event = mine.select_for_update(of=("self",)).filter(pk=event_id).first()
    if event is None:
        raise NotFound
    if event.state in WAITING:
        return event
    if event.state not in REPLAYABLE:
        raise NotReplayable(f"It is {event.state}.", status=event.state)
    _again([event.pk])
    emit(
        "callback.replayed",
        of=("connection", event.connection_id),
        actor=actor,
        now=now,
        data={"callback": event.pk, "was": event.state},
    )
    event.refresh_from_db()
    return event


@transaction.atomic
def replay_dead(
    *,
    events: QuerySet[InboundEvent],
    actor: Actor,
    now: datetime,
    asked: Mapping[str, Any],
) -> int:
    """Take in again the oldest of these that were given up, 10,000 at most.

    Returns how many. Doing it twice does it once: what waits is left alone. `asked`
    tells the audit how they were chosen.

    Emits:
        callbacks.replayed
    """
    chosen = list(
        events.filter(state=InboundState.DEAD)
        .order_by("pk")
        .select_for_update(of=("self",))
        .values_list("pk", flat=True)[:AT_MOST]
    )
    if chosen:
        _again(chosen)
        emit(
            "callbacks.replayed",
            of=("callback_batch", uuid7()),
            actor=actor,
            now=now,
            data={"count": len(chosen), "asked": dict(asked)},
        )
    return len(chosen)


def _again(ids: Sequence[int]) -> None:
    """Begin a new chain of tries; beyond the first hundred the sweep rings."""
    InboundEvent.objects.filter(pk__in=ids).update(
        state=InboundState.RECEIVED,
        attempts=0,
        next_attempt_at=Now(),
        hinted_at=None,
        finished_at=None,
    )
    rung = ids[:_RING_AT_MOST]
    InboundEvent.objects.filter(pk__in=rung).update(hinted_at=Now())
    for event_id in rung:
        ring("integrations.tasks.process_inbound", event_id=event_id)

"""Have something taken in again that was given up, or was nothing to us."""

from datetime import datetime

from django.db import transaction
from django.db.models.functions import Now

from core.actors import Actor
from core.errors import NotFound
from core.events import emit
from core.hints import ring
from core.services import NotReplayable
from integrations.models import Connection, InboundEvent, InboundState
from integrations.models.inbox import WAITING

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
    InboundEvent.objects.filter(pk=event.pk).update(
        state=InboundState.RECEIVED,
        attempts=0,
        next_attempt_at=Now(),
        hinted_at=Now(),
        finished_at=None,
    )
    ring("integrations.tasks.process_inbound", event_id=event.pk)
    emit(
        "callback.replayed",
        of=("connection", event.connection_id),
        actor=actor,
        now=now,
        data={"callback": event.pk, "was": event.state},
    )
    event.refresh_from_db()
    return event

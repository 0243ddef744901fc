"""Say what happened, in the same transaction (and count it per thing)."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Max

from core.actors import Actor
from core.hints import ring
from core.models import Event
from core.request_log import current_request_id


def emit(
    name: str,
    *,
    of: tuple[str, uuid.UUID],
    actor: Actor,
    now: datetime,
    data: Mapping[str, Any] | None = None,
    location_id: uuid.UUID | None = None,
    reason: str = "",
) -> Event:
    """Write down that `name` happened to the thing `of` (its type and id).

    The caller holds a lock on the thing, or has just created it: events of one
    thing are numbered without a gap.

    Raises:
        RuntimeError: no transaction is open; the change and its event would not
            commit together.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError(f"emit({name!r}) needs the transaction of its change.")
    aggregate_type, aggregate_id = of
    last = Event.objects.filter(aggregate_id=aggregate_id).aggregate(
        last=Max("number")
    )["last"]
    event = Event.objects.create(
        name=name,
        aggregate_type=aggregate_type,
        aggregate_id=aggregate_id,
        number=(last or 0) + 1,
        location_id=location_id,
        data=dict(data or {}),
        actor_role=actor.role,
        actor_id=actor.user_id,
        actor_label=actor.label,
        reason=reason,
        request_id=current_request_id(),
        occurred_at=now,
    )
    ring("core.tasks.publish_events")
    return event

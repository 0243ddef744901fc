"""Say what happened, in the same transaction (and count it per thing)."""

import json
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import connection

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
    if not connection.in_atomic_block:
        raise RuntimeError(f"emit({name!r}) needs the transaction of its change.")
    aggregate_type, aggregate_id = of
    event = Event(
        name=name,
        aggregate_type=aggregate_type,
        aggregate_id=aggregate_id,
        location_id=location_id,
        data=dict(data or {}),
        actor_role=actor.role,
        actor_id=actor.user_id,
        actor_label=actor.label,
        reason=reason,
        request_id=current_request_id(),
        occurred_at=now,
    )
    _write(event)
    ring("core.tasks.publish_events")
    return event


# With each change there is: one statement, and not put together by the ORM each time.
_WRITE = """
    INSERT INTO core_event (
        name, aggregate_type, aggregate_id, location_id, data, actor_role, actor_id,
        actor_label, reason, request_id, occurred_at, number
    )
    SELECT %s, %s, %s, %s, %s::jsonb, %s, %s, %s, %s, %s, %s,
           coalesce(max(number), 0) + 1
    FROM core_event WHERE aggregate_id = %s
    RETURNING id, number
"""


def _write(event: Event) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            _WRITE,
            [
                event.name,
                event.aggregate_type,
                event.aggregate_id,
                event.location_id,
                json.dumps(event.data),
                event.actor_role,
                event.actor_id,
                event.actor_label,
                event.reason,
                event.request_id,
                event.occurred_at,
                event.aggregate_id,
            ],
        )
        event.pk, event.number = cursor.fetchone()

"""Write down what a vendor said; the same thing said twice is one row."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.db import connection as database
from django.db import transaction
from psycopg.types.json import Jsonb

from core.hints import ring
from core.outbox.outcomes import storable
from core.request_log import current_request_id
from integrations.models import Connection, InboundEvent, Source
from integrations.rules.things import Remote

# One statement tells the first from its repetitions, however many come at once.
_INSERT = """
INSERT INTO integrations_inboundevent (
    connection_id, source, event_type, external_id, dedupe_key,
    headers, body, occurred_at, request_id, hinted_at
) VALUES (
    %(connection)s, %(source)s, %(event_type)s, %(external_id)s, %(dedupe_key)s,
    %(headers)s, %(body)s, %(occurred_at)s, %(request_id)s, statement_timestamp()
)
ON CONFLICT (connection_id, dedupe_key) DO UPDATE
SET times_received = integrations_inboundevent.times_received + 1
RETURNING id, times_received = 1
"""
_body = InboundEvent._meta.get_field("body")


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a vendor said, and what it is about, as far as that shows from outside."""

    body: bytes
    dedupe_key: str
    source: Source = Source.WEBHOOK
    event_type: str = ""
    external_id: str = ""
    occurred_at: datetime | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@transaction.atomic
def store(*, connection: Connection, said: Said) -> tuple[int, bool]:
    """Store it, and ring for whoever takes it in; return its id, and if it is new."""
    text = base64.b64encode(said.body).decode()
    values = {
        "connection": connection.pk,
        "source": said.source,
        "event_type": storable(said.event_type, length=80),
        "external_id": storable(said.external_id, length=120),
        "dedupe_key": said.dedupe_key,
        "headers": Jsonb(dict(said.headers)),
        "body": _body.get_prep_value(text),
        "occurred_at": said.occurred_at,
        "request_id": current_request_id(),
    }
    with database.cursor() as cursor:
        cursor.execute(_INSERT, values)
        event_id, is_new = cursor.fetchone()
    if is_new:
        ring("integrations.tasks.process_inbound", event_id=event_id)
    return event_id, is_new


def store_polled(
    *, connection: Connection, remote: Remote, body: bytes, dedupe_key: str
) -> InboundEvent | None:
    """Store what a poll found, in our own words; None if it was told before."""
    said = Said(
        body=body,
        dedupe_key=dedupe_key,
        source=Source.POLL,
        event_type=f"{remote.kind}.polled",
        external_id=remote.remote_id,
        occurred_at=remote.changed_at,
    )
    event_id, is_new = store(connection=connection, said=said)
    return InboundEvent.objects.get(pk=event_id) if is_new else None


def body_of(event: InboundEvent) -> bytes:
    """Return the very bytes that came."""
    return base64.b64decode(event.body)

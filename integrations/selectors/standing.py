"""How each connection and subscriber stands: what waits, what is late, what failed.

Sync success is what was delivered, or overtaken by a newer state, within a day of its
change; out of all that could be: what the other side refused for its content and what
was called off are reported beside it, and what is younger than a day may still come.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection as database
from django.db.models import Count, F, Min, Q, QuerySet, Sum, Window
from django.db.models.functions import RowNumber

from core.actors import Actor
from core.models import OutboxMessage
from core.models.outbox import AttemptOutcome, OutboxStatus
from integrations.models import (
    Connection,
    InboundEvent,
    PollCursor,
    SyncConflict,
    WebhookEndpoint,
)
from integrations.models.inbox import WAITING, InboundState

PUNCTUAL = timedelta(hours=24)
WINDOW = timedelta(hours=24)
_ERRORS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """What goes out to one destination; seconds count from the change.

    `refused` never worked for its content, `dead` was given up for another reason.
    `punctual` of the `due` arrived within a day.
    """

    waiting: int = 0
    parked: int = 0
    delivered: int = 0
    superseded: int = 0
    cancelled: int = 0
    refused: int = 0
    dead: int = 0
    punctual: int = 0
    due: int = 0
    lag_seconds: int = 0
    p50_seconds: float | None = None
    p95_seconds: float | None = None

    @property
    def success_ratio(self) -> float | None:
        """The share that arrived in time; None where nothing was due."""
        return self.punctual / self.due if self.due else None

    @property
    def dead_letters(self) -> int:
        return self.dead + self.refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """What came in from one connection; `found` is what only polling told."""

    received: int = 0
    waiting: int = 0
    dead: int = 0
    repeated: int = 0
    lag_seconds: int = 0
    found: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A message that did not get through, and why."""

    key: UUID
    kind: str
    about: str
    status: str
    error: str
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One destination: a connection, or a subscriber."""

    id: UUID
    kind: str
    """connection or subscriber"""
    name: str
    vendor: str
    state: str
    attention: str
    breaker: str = "closed"
    last_success_at: datetime | None = None
    last_error: str = ""
    outgoing: Outgoing = field(default_factory=Outgoing)
    incoming: Incoming = field(default_factory=Incoming)
    conflicts: int = 0
    failures: tuple[Failure, ...] = ()


def standings(
    *, actor: Actor, now: datetime, window: timedelta = WINDOW
) -> list[Standing]:
    """Return how all stand that the actor sees: connections first, each by name.

    Counts are of what began within the window; what waits, is parked or dead counts
    whatever its age. A constant number of queries.
    """
    connections = list(
        Connection.objects.visible_to(actor).select_related("health").order_by("name")
    )
    subscribers = list(WebhookEndpoint.objects.visible_to(actor).order_by("url"))
    ids = [each.pk for each in (*connections, *subscribers)]
    facts = _Facts(
        outgoing=_outgoing(ids, since=now - window, now=now),
        incoming=_incoming([each.pk for each in connections], now - window, now),
        conflicts=_open_conflicts(),
        failures=_failures(ids),
    )
    return [
        *(_of_connection(each, facts) for each in connections),
        *(_of_subscriber(each, facts) for each in subscribers),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Facts:
    outgoing: Mapping[UUID, Outgoing]
    incoming: Mapping[UUID, Incoming]
    conflicts: Mapping[UUID, int]
    failures: Mapping[UUID, tuple[Failure, ...]]


def _of_connection(connection: Connection, facts: _Facts) -> Standing:
    health = getattr(connection, "health", None)
    return Standing(
        id=connection.pk,
        kind="connection",
        name=connection.name,
        vendor=connection.get_vendor_display(),
        state=connection.state,
        attention=connection.attention,
        breaker=health.breaker if health else "closed",
        last_success_at=health.last_success_at if health else None,
        last_error=health.last_error if health else "",
        outgoing=facts.outgoing.get(connection.pk, Outgoing()),
        incoming=facts.incoming.get(connection.pk, Incoming()),
        conflicts=facts.conflicts.get(connection.pk, 0),
        failures=facts.failures.get(connection.pk, ()),
    )


def _of_subscriber(endpoint: WebhookEndpoint, facts: _Facts) -> Standing:
    return Standing(
        id=endpoint.pk,
        kind="subscriber",
        name=endpoint.description or endpoint.url,
        vendor="Webhooks",
        state="active" if endpoint.is_active else "disabled",
        attention=endpoint.disabled_because,
        outgoing=facts.outgoing.get(endpoint.pk, Outgoing()),
        failures=facts.failures.get(endpoint.pk, ()),
    )


def _outgoing(
    ids: list[UUID], *, since: datetime, now: datetime
) -> dict[UUID, Outgoing]:
    with database.cursor() as cursor:
        asked: dict[str, Any] = {
            "ids": [str(each) for each in ids],
            "since": since,
            "now": now,
            "punctual": PUNCTUAL,
        }
        cursor.execute(_OUTGOING, asked)
        columns = [column.name for column in cursor.description][1:]
        return {
            UUID(destination): Outgoing(**dict(zip(columns, figures, strict=True)))
            for destination, *figures in cursor.fetchall()
        }


# What is open, parked or dead is found by its status, however old; the rest by time.
_OUTGOING = """
    WITH message AS (
        SELECT *,
            extract(epoch FROM finished_at - created_at)::float AS seconds,
            status = 'dead' AND last_outcome = 'rejected' AS is_refused
        FROM core_outboxmessage
        WHERE destination = ANY(%(ids)s) AND (
            created_at >= %(since)s
            OR status IN ('pending', 'leased', 'parked', 'dead')
        )
    )
    SELECT destination,
        count(*) FILTER (WHERE status IN ('pending', 'leased')) AS waiting,
        count(*) FILTER (WHERE status = 'parked') AS parked,
        count(*) FILTER (WHERE status = 'delivered') AS delivered,
        count(*) FILTER (WHERE status = 'superseded') AS superseded,
        count(*) FILTER (WHERE status = 'cancelled') AS cancelled,
        count(*) FILTER (WHERE is_refused) AS refused,
        count(*) FILTER (WHERE status = 'dead' AND NOT is_refused) AS dead,
        count(*) FILTER (
            WHERE status IN ('delivered', 'superseded')
            AND finished_at <= created_at + %(punctual)s
        ) AS punctual,
        count(*) FILTER (
            WHERE status IN ('delivered', 'superseded')
            OR (status = 'dead' AND NOT is_refused)
            OR (
                status IN ('pending', 'leased', 'parked')
                AND created_at <= %(now)s - %(punctual)s
            )
        ) AS due,
        coalesce(extract(epoch FROM %(now)s - min(next_attempt_at) FILTER (
            WHERE status IN ('pending', 'leased') AND next_attempt_at <= %(now)s
        )), 0)::int AS lag_seconds,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds)
            FILTER (WHERE status = 'delivered') AS p50_seconds,
        percentile_cont(0.95) WITHIN GROUP (ORDER BY seconds)
            FILTER (WHERE status = 'delivered') AS p95_seconds
    FROM message
    GROUP BY destination
"""


def _incoming(ids: list[UUID], since: datetime, now: datetime) -> dict[UUID, Incoming]:
    waiting = Q(state__in=WAITING)
    events: QuerySet[InboundEvent, Any] = InboundEvent.objects.filter(
        Q(received_at__gte=since) | waiting | Q(state=InboundState.DEAD),
        connection__in=ids,
    )
    rows = events.values("connection").annotate(
        received=Count("pk", filter=Q(received_at__gte=since)),
        waits=Count("pk", filter=waiting),
        dead=Count("pk", filter=Q(state=InboundState.DEAD)),
        repeated=Sum(F("times_received") - 1, default=0),
        oldest=Min("received_at", filter=waiting),
    )
    found = _found_by_polling(ids)
    incoming = {key: Incoming(found=count) for key, count in found.items()}
    for row in rows:
        oldest = row["oldest"]
        incoming[row["connection"]] = Incoming(
            received=row["received"],
            waiting=row["waits"],
            dead=row["dead"],
            repeated=row["repeated"],
            lag_seconds=int((now - oldest).total_seconds()) if oldest else 0,
            found=found.get(row["connection"], 0),
        )
    return incoming


def _found_by_polling(ids: list[UUID]) -> dict[UUID, int]:
    cursors: QuerySet[PollCursor, Any] = PollCursor.objects.filter(connection__in=ids)
    return dict(
        cursors.values("connection")
        .annotate(total=Sum("found"))
        .values_list("connection", "total")
    )


def _open_conflicts() -> dict[UUID, int]:
    rows: QuerySet[SyncConflict, Any] = SyncConflict.objects.filter(resolved_at=None)
    return dict(
        rows.values("connection")
        .annotate(count=Count("pk"))
        .values_list("connection", "count")
    )


def _failures(ids: list[UUID]) -> dict[UUID, tuple[Failure, ...]]:
    """Return the last few messages of each that did not get through, newest first."""
    failed = Q(status=OutboxStatus.DEAD) | Q(
        status__in=[OutboxStatus.PENDING, OutboxStatus.PARKED],
        last_outcome__in=[AttemptOutcome.RETRYABLE, AttemptOutcome.UNKNOWN],
    )
    place = Window(RowNumber(), partition_by="destination", order_by=F("pk").desc())
    newest = (
        OutboxMessage.objects.filter(failed, destination__in=map(str, ids))
        .annotate(place=place)
        .filter(place__lte=_ERRORS)
        .order_by("-pk")
    )
    failures: dict[UUID, list[Failure]] = defaultdict(list)
    for message in newest:
        failures[UUID(message.destination)].append(
            Failure(
                key=message.key,
                kind=message.kind,
                about=message.aggregate_type,
                status=message.status,
                error=message.last_error,
                attempts=message.attempts,
            )
        )
    return {key: tuple(found) for key, found in failures.items()}

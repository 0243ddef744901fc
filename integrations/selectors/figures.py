"""The figures behind `standing`: what went out, what came in, what failed."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection as database
from django.db.models import Count, F, Min, Q, QuerySet, Sum, Window
from django.db.models.functions import RowNumber

from core.models import OutboxMessage
from core.models.outbox import AttemptOutcome, OutboxStatus
from integrations.models import InboundEvent, PollCursor, SyncConflict
from integrations.models.inbox import WAITING, InboundState

PUNCTUAL = timedelta(hours=24)
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


def outgoing_of(
    ids: list[UUID], *, since: datetime, now: datetime
) -> dict[UUID, Outgoing]:
    """Return what goes out to each destination."""
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


def outgoing_texts(*, since: datetime, now: datetime) -> Outgoing:
    """Return how texts stand: their destination is a customer, not a connection."""
    with database.cursor() as cursor:
        cursor.execute(_TEXTS, {"since": since, "now": now})
        columns = [column.name for column in cursor.description]
        return Outgoing(**dict(zip(columns, cursor.fetchone(), strict=True)))


# One that did not reach its phone is dead, whatever was delivered to the provider.
_TEXTS = """
    SELECT
        count(*) FILTER (WHERE is_open) AS waiting,
        count(*) FILTER (WHERE status = 'parked') AS parked,
        count(*) FILTER (WHERE is_sent) AS delivered,
        count(*) FILTER (WHERE status = 'cancelled') AS cancelled,
        count(*) FILTER (WHERE is_refused) AS refused,
        count(*) FILTER (WHERE is_lost OR (status = 'dead' AND NOT is_refused)) AS dead,
        count(*) FILTER (WHERE is_sent) AS punctual,
        count(*) FILTER (
            WHERE is_sent OR is_lost OR (status = 'dead' AND NOT is_refused)
        ) AS due,
        coalesce(extract(epoch FROM %(now)s - min(next_attempt_at) FILTER (
            WHERE is_open AND next_attempt_at <= %(now)s
        )), 0)::int AS lag_seconds,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) AS p50_seconds,
        percentile_cont(0.95) WITHIN GROUP (ORDER BY seconds) AS p95_seconds
    FROM (
        SELECT message.status, message.next_attempt_at,
            message.status IN ('pending', 'leased') AS is_open,
            text.carrier_status IN ('undelivered', 'failed') AS is_lost,
            text.sent_at IS NOT NULL
                AND text.carrier_status NOT IN ('undelivered', 'failed') AS is_sent,
            message.status = 'dead' AND message.last_outcome = 'rejected' AS is_refused,
            extract(epoch FROM text.sent_at - text.created_at)::float AS seconds
        FROM notifications_notification AS text
        LEFT JOIN core_outboxmessage AS message ON message.id = text.delivery_id
        WHERE text.channel = 'sms' AND text.created_at >= %(since)s
    ) AS texts
"""


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


def incoming_of(
    ids: list[UUID], *, since: datetime, now: datetime
) -> dict[UUID, Incoming]:
    """Return what came in from each connection."""
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


def open_conflicts() -> dict[UUID, int]:
    """Return how many conflicts of each connection wait for somebody."""
    rows: QuerySet[SyncConflict, Any] = SyncConflict.objects.filter(resolved_at=None)
    return dict(
        rows.values("connection")
        .annotate(count=Count("pk"))
        .values_list("connection", "count")
    )


def failures_of(ids: list[UUID]) -> dict[UUID, tuple[Failure, ...]]:
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

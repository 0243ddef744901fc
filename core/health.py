"""Is the house in order? What a load balancer and a person on call want to know."""

from dataclasses import dataclass, field
from datetime import datetime

from django.core.cache import cache
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Min
from redis.exceptions import RedisError

from core.hints import broker_answers
from core.models import OutboxMessage
from core.models.outbox import OutboxStatus

# Older than this, what waits in the outbox is late: workers are down or drowning.
LATE_AFTER_SECONDS = 900
_migrated = False


@dataclass(slots=True, kw_only=True)
class Health:
    """What works. `ready` tells whether requests can be served at all."""

    ready: bool
    checks: dict[str, str] = field(default_factory=dict)
    outbox_lag_seconds: int | None = None

    @property
    def status(self) -> str:
        if not self.ready:
            return "unavailable"
        healthy = all(state == "ok" for state in self.checks.values())
        return "ok" if healthy else "degraded"


def check_health(*, now: datetime) -> Health:
    """Look at everything we lean on. Only the database can make us unready."""
    health = Health(ready=True)
    health.checks["database"] = _database()
    if health.checks["database"] != "ok":
        health.ready = False
        return health
    health.checks["redis"] = _redis()
    health.checks["broker"] = "ok" if broker_answers() else "down"
    health.outbox_lag_seconds = _outbox_lag(now=now)
    late = health.outbox_lag_seconds > LATE_AFTER_SECONDS
    health.checks["outbox"] = "late" if late else "ok"
    return health


def _database() -> str:
    try:
        return "ok" if _is_migrated() else "migrations pending"
    except DatabaseError:
        return "down"


def _is_migrated() -> bool:
    """Tell whether all migrations are applied; asked in full until they are."""
    global _migrated  # noqa: PLW0603  # migrations never come undone under a process
    if _migrated:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        return True
    executor = MigrationExecutor(connection)
    _migrated = not executor.migration_plan(executor.loader.graph.leaf_nodes())
    return _migrated


def _redis() -> str:
    try:
        cache.get("health")
    except (RedisError, OSError):
        return "down"
    return "ok"


def _outbox_lag(*, now: datetime) -> int:
    """Return for how many seconds the oldest message that is due has been so."""
    waiting = OutboxMessage.objects.filter(
        status__in=[OutboxStatus.PENDING, OutboxStatus.LEASED], next_attempt_at__lte=now
    )
    oldest = waiting.aggregate(at=Min("next_attempt_at"))["at"]
    return int((now - oldest).total_seconds()) if oldest else 0

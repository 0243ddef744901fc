"""What connections need from time to time."""

from datetime import datetime, timedelta

from django.db.models import CharField, F, QuerySet
from django.db.models.functions import Cast

from core.models import OutboxMessage
from core.models.outbox import OutboxStatus
from core.services import unpark
from integrations.models import Connection, ConnectionState
from integrations.services.connections.standing import (
    LET_GO_PER_SECOND,
    mark_needs_attention,
)

# After so long without a single success a person has to look.
GIVE_UP_AFTER = timedelta(hours=120)


def tend_connections(*, now: datetime) -> None:
    """Forget replaced secrets, give up on the dead, let go what is stuck."""
    Connection.objects.filter(previous_secret_until__lte=now).update(
        previous_secret="", previous_secret_until=None, version=F("version") + 1
    )
    for connection in _given_up():
        mark_needs_attention(
            connection=connection, because="It failed for 5 days.", now=now
        )
    # A try that began before its connection was used again may park its message after
    # that.
    parked = OutboxMessage.objects.filter(status=OutboxStatus.PARKED)
    active = Connection.objects.filter(state=ConnectionState.ACTIVE)
    names = active.annotate(name_of=Cast("pk", CharField())).values("name_of")
    stuck = parked.filter(destination__in=names)
    for destination in set(stuck.values_list("destination", flat=True)):
        unpark(destination=destination, per_second=LET_GO_PER_SECOND)


def _given_up() -> QuerySet[Connection]:
    """Return connections in use that have known nothing but failure for days."""
    return Connection.objects.filter(
        state=ConnectionState.ACTIVE,
        health__last_failure_at__gte=F("health__failing_since") + GIVE_UP_AFTER,
    )

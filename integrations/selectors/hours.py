"""What left the house hour by hour, for a chart."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.db.models import Count, Q, QuerySet
from django.db.models.functions import TruncHour

from core.models import OutboxMessage
from core.models.outbox import OutboxStatus

_HOUR = timedelta(hours=1)


class Hour(NamedTuple):
    """How many messages ended in an hour, and how."""

    starts_at: datetime
    delivered: int
    dead: int


def hours_of(
    destinations: Sequence[UUID], *, until: datetime, count: int
) -> dict[UUID, list[Hour]]:
    """Return the last `count` hours of each destination, the present one last.

    What was overtaken by a newer state counts as delivered. One query.
    """
    last = until.replace(minute=0, second=0, microsecond=0)
    starts = [last - n * _HOUR for n in reversed(range(count))]
    ended: QuerySet[OutboxMessage] = OutboxMessage.objects.filter(
        destination__in=[str(each) for each in destinations],
        finished_at__gte=starts[0],
        finished_at__lt=last + _HOUR,
    )
    through = Q(status__in=[OutboxStatus.DELIVERED, OutboxStatus.SUPERSEDED])
    rows = (
        ended.annotate(hour=TruncHour("finished_at"))
        .values("destination", "hour")
        .annotate(
            through=Count("pk", filter=through),
            dead=Count("pk", filter=Q(status=OutboxStatus.DEAD)),
        )
        .values_list("destination", "hour", "through", "dead")
    )
    found = {(destination, hour): figures for destination, hour, *figures in rows}
    return {
        each: [Hour(start, *found.get((str(each), start), (0, 0))) for start in starts]
        for each in destinations
    }

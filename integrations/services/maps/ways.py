"""Fetch the ways that were asked for, and forget those that are too old to keep."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db.models import QuerySet

from integrations.connectors.google_maps import minutes_between
from integrations.connectors.google_maps.matrix import (
    MOST_ELEMENTS,
    MOST_LEGACY_PLACES,
    Ways,
    is_legacy,
    time_class,
)
from integrations.connectors.port import Caller
from integrations.models import ConnectionState, TravelMinutes
from integrations.rules.refusals import CallFailed, NotAllowed
from integrations.rules.ways import Batch, Way, batches
from integrations.selectors.travel import known_ways, maps_connection
from integrations.services.calling import caller_for
from integrations.services.connections import mark_needs_attention
from integrations.services.maps import wanted

log = structlog.get_logger(__name__)

# What one run takes on: within the 20 seconds of one caller.
_A_RUN = 1250
_ENDS = (
    *("origin_latitude", "origin_longitude"),
    *("destination_latitude", "destination_longitude"),
)


def fetch_ways(*, now: datetime) -> int:
    """Ask for the ways that somebody wanted; return how many are known now.

    What the vendor cannot tell now is wanted again. It runs outside of any
    transaction: nobody waits for it.
    """
    connection = maps_connection()
    if connection is None or connection.state != ConnectionState.ACTIVE:
        return 0
    ways = _unknown(wanted.take(_A_RUN))
    call = caller_for(connection)
    asked = batches(ways, most=MOST_LEGACY_PLACES if is_legacy(call) else MOST_ELEMENTS)
    count = 0
    for number, batch in enumerate(asked):
        try:
            found = minutes_between(call, batch.origins, batch.destinations, now=now)
        except CallFailed as failure:
            wanted.put(way for one in asked[number:] for way in _ways_of(one))
            log.warning("ways_not_fetched", error=str(failure))
            if isinstance(failure, NotAllowed):
                mark_needs_attention(
                    connection=connection, because=str(failure), now=now
                )
            break
        count += _store(call, batch, found, now=now)
    return count


def stale_ways(now: datetime) -> QuerySet[TravelMinutes]:
    """Return ways that may be kept no longer."""
    if not settings.MAPS_CACHE_DAYS:
        return TravelMinutes.objects.none()
    oldest = now - timedelta(days=settings.MAPS_CACHE_DAYS)
    return TravelMinutes.objects.filter(fetched_at__lt=oldest)


def _unknown(ways: Sequence[Way]) -> list[Way]:
    """Leave out what somebody fetched since it was wanted."""
    known = known_ways(places={origin for origin, _ in ways}) if ways else {}
    return [way for way in ways if way not in known]


def _store(call: Caller, batch: Batch, found: Ways, *, now: datetime) -> int:
    rows = [
        TravelMinutes(
            origin_latitude=batch.origins[here][0],
            origin_longitude=batch.origins[here][1],
            destination_latitude=batch.destinations[there][0],
            destination_longitude=batch.destinations[there][1],
            time_class=time_class(call),
            minutes=minutes,
            fetched_at=now,
        )
        for (here, there), minutes in found.items()
        if here < len(batch.origins) and there < len(batch.destinations)
    ]
    TravelMinutes.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=[*_ENDS, "time_class"],
        update_fields=["minutes", "fetched_at"],
    )
    return len(rows)


def _ways_of(batch: Batch) -> list[Way]:
    return [(here, there) for here in batch.origins for there in batch.destinations]

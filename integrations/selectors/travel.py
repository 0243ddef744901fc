"""What is known of ways, and who may be asked."""

from collections.abc import Collection
from datetime import timedelta

from django.conf import settings
from django.db.models import F, Q
from django.db.models.functions import Now

from core.travel import Place
from integrations.models import Connection, ConnectionState, TravelMinutes, Vendor
from integrations.rules.ways import Way

_ENDS = (
    *("origin_latitude", "origin_longitude"),
    *("destination_latitude", "destination_longitude"),
)


def maps_connection() -> Connection | None:
    """Return the connection to a map vendor: the company's, and one that works."""
    rows = Connection.objects.filter(vendor=Vendor.GOOGLE_MAPS)
    company_first = F("location").asc(nulls_first=True)
    found = list(rows.order_by(company_first, "created_at"))
    active = [row for row in found if row.state == ConnectionState.ACTIVE]
    return next(iter([*active, *found]), None)


def known_ways(*, places: Collection[Place]) -> dict[Way, int]:
    """Return the minutes of all ways from and to these places that are known.

    Of free roads and the rush hour the longer one counts.
    """
    about = Q()
    for latitude, longitude in places:
        about |= Q(origin_latitude=latitude, origin_longitude=longitude)
        about |= Q(destination_latitude=latitude, destination_longitude=longitude)
    rows = TravelMinutes.objects.filter(about, minutes__isnull=False)
    kept = timedelta(days=settings.MAPS_CACHE_DAYS)
    if kept:
        rows = rows.filter(fetched_at__gte=Now() - kept)
    ways: dict[Way, int] = {}
    for *ends, minutes in rows.values_list(*_ENDS, "minutes"):
        way = ((ends[0], ends[1]), (ends[2], ends[3]))
        ways[way] = max(minutes, ways.get(way, 0))
    return ways

"""How long the ways take: from each of some places to each of others."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any

from core.travel import Place
from integrations.connectors.google_maps.geocoding import failure_in
from integrations.connectors.port import Caller
from integrations.rules.refusals import Busy

# Elements (origins x destinations) of one call: theirs is 625 and 100.
MOST_ELEMENTS = 625
MOST_LEGACY_ELEMENTS = 100
# And in the old API so many places on either side.
MOST_LEGACY_PLACES = 25
_FIELDS = "originIndex,destinationIndex,status,condition,distanceMeters,duration"
_MICRO = 1_000_000
_FRIDAY = 4

Ways = dict[tuple[int, int], int | None]
"""Minutes by the indexes of origin and destination; None: there is no way."""


def minutes_between(
    call: Caller,
    origins: Sequence[Place],
    destinations: Sequence[Place],
    *,
    now: datetime,
) -> Ways:
    """Return the ways that the vendor could tell of; the others are left out.

    Raises:
        CallFailed
        ValueError: there are more elements than one call may have.
    """
    if is_legacy(call):
        return _by_distance_matrix(call, origins, destinations, now=now)
    return _by_routes(call, origins, destinations, now=now)


def is_legacy(call: Caller) -> bool:
    """Tell whether the old API is asked."""
    return call.settings.get("matrix") == "legacy"


def time_class(call: Caller) -> str:
    """Return what the times stand for: free roads, or those of the rush hour."""
    return "rush" if call.settings.get("traffic") == "rush" else "free"


def _by_routes(
    call: Caller,
    origins: Sequence[Place],
    destinations: Sequence[Place],
    *,
    now: datetime,
) -> Ways:
    if len(origins) * len(destinations) > MOST_ELEMENTS:
        raise ValueError(f"At most {MOST_ELEMENTS} elements a call.")
    sent: dict[str, Any] = {
        "origins": [_waypoint(place) for place in origins],
        "destinations": [_waypoint(place) for place in destinations],
        "travelMode": "DRIVE",
        "routingPreference": "TRAFFIC_UNAWARE",
    }
    if time_class(call) == "rush":
        sent["routingPreference"] = "TRAFFIC_AWARE"
        sent["departureTime"] = f"{_rush_hour(call, now):%Y-%m-%dT%H:%M:%SZ}"
    body = call(
        "POST",
        "/distanceMatrix/v2:computeRouteMatrix",
        json=sent,
        headers={"X-Goog-FieldMask": _FIELDS},
        host="routes",
        may_repeat=True,
    ).json
    if not isinstance(body, list):
        raise Busy("The answer is no list of ways.")
    return dict(way for element in body if (way := _way(element)) is not None)


def _way(element: Any) -> tuple[tuple[int, int], int | None] | None:
    """Return one way; None where it says nothing. What is zero may be left out."""
    if not isinstance(element, Mapping) or (element.get("status") or {}).get("code"):
        return None
    indexes = (
        int(element.get("originIndex") or 0),
        int(element.get("destinationIndex") or 0),
    )
    if element.get("condition") == "ROUTE_NOT_FOUND":
        return indexes, None
    if element.get("condition") != "ROUTE_EXISTS":
        return None
    seconds = float(str(element.get("duration") or "0s").removesuffix("s"))
    return indexes, ceil(seconds / 60)


def _by_distance_matrix(
    call: Caller,
    origins: Sequence[Place],
    destinations: Sequence[Place],
    *,
    now: datetime,
) -> Ways:
    if (
        len(origins) * len(destinations) > MOST_LEGACY_ELEMENTS
        or max(len(origins), len(destinations)) > MOST_LEGACY_PLACES
    ):
        raise ValueError(f"At most {MOST_LEGACY_ELEMENTS} elements a call.")
    params = {
        "origins": "|".join(map(_degrees, origins)),
        "destinations": "|".join(map(_degrees, destinations)),
        "mode": "driving",
        "units": "metric",
        "key": call.credentials.get("api_key", ""),
    }
    if time_class(call) == "rush":
        params["departure_time"] = str(int(_rush_hour(call, now).timestamp()))
    body = call("GET", "/maps/api/distancematrix/json", params=params).json
    failure_in(body)
    rows = body.get("rows")
    if not isinstance(rows, list):
        raise Busy("The answer has no rows.")
    return {
        (here, there): _legacy_minutes(element)
        for here, row in enumerate(rows)
        for there, element in enumerate(row.get("elements") or [])
        if element.get("status") in {"OK", "ZERO_RESULTS", "NOT_FOUND"}
    }


def _legacy_minutes(element: Mapping[str, Any]) -> int | None:
    if element["status"] != "OK":
        return None
    duration = element.get("duration_in_traffic") or element["duration"]
    return ceil(float(duration["value"]) / 60)


def _rush_hour(call: Caller, now: datetime) -> datetime:
    """Return the hour of traffic on the next working day."""
    hour = int(call.settings.get("rush_hour_utc") or 15)
    day = now.astimezone(UTC).replace(hour=hour, minute=0, second=0, microsecond=0)
    day += timedelta(days=1)
    while day.weekday() > _FRIDAY:
        day += timedelta(days=1)
    return day


def _waypoint(place: Place) -> dict[str, Any]:
    latitude, longitude = place
    point = {"latitude": latitude / _MICRO, "longitude": longitude / _MICRO}
    return {"waypoint": {"location": {"latLng": point}}}


def _degrees(place: Place) -> str:
    return f"{place[0] / _MICRO:.6f},{place[1] / _MICRO:.6f}"

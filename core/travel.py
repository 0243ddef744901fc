"""How long it takes from one visit to the next.

A *place* is a pair of integers: latitude and longitude in millionths of a degree.
Minutes are whole, rounded up. `TravelTime` is the port; whatever stands behind it,
the slot engine falls back to the great-circle model when it fails, and says so.
"""

from functools import lru_cache
from math import asin, ceil, cos, radians, sin, sqrt
from typing import Protocol

import structlog
from django.conf import settings
from django.utils.module_loading import import_string

Place = tuple[int, int]

# No technician is sent further; it bounds how far the engine has to look around.
MOST_MINUTES = 4 * 60

_EARTH_KM = 6371.0088
_SAME_DOOR_KM = 0.05
# The length at which the speed is half way between town and motorway.
_HALFWAY_KM = 25.0

logger = structlog.get_logger(__name__)


class TravelUnavailable(Exception):
    """The provider of travel times cannot answer now."""


class TravelUnknown(TravelUnavailable):
    """The provider does not know this very way yet; others it may."""


class TravelTime(Protocol):
    """Tells how many minutes lie between two places.

    Raises:
        TravelUnknown: it cannot tell of this way now.
        TravelUnavailable: it cannot tell of any.
    """

    def minutes(self, origin: Place, destination: Place) -> int: ...


def place_at(latitude: float | None, longitude: float | None) -> Place | None:
    """Return the place of these coordinates in degrees, or None without them."""
    if latitude is None or longitude is None:
        return None
    return round(latitude * 1_000_000), round(longitude * 1_000_000)


class GreatCircle:
    """The built-in model: needs no map and no network, and is the same both ways.

    The distance as the crow flies (haversine) times a road factor, at a speed that
    grows with the length of the way, and some minutes to park. The time grows ever
    more slowly with the length, so a stop on the way never saves time. A model, not
    a measurement: its figures are settings.
    """

    def minutes(self, origin: Place, destination: Place) -> int:
        if destination < origin:  # one entry of the cache for both directions
            origin, destination = destination, origin
        return _great_circle_minutes(*origin, *destination)


@lru_cache(maxsize=200_000)
def _great_circle_minutes(
    latitude_a: int, longitude_a: int, latitude_b: int, longitude_b: int
) -> int:
    air = _distance_km(latitude_a, longitude_a, latitude_b, longitude_b)
    if air < _SAME_DOOR_KM:
        return 0
    way = air * settings.TRAVEL_ROAD_FACTOR
    slow, fast = settings.TRAVEL_TOWN_KMH, settings.TRAVEL_ROAD_KMH
    speed = slow + (fast - slow) * way / (way + _HALFWAY_KM)
    minutes: int = ceil(settings.TRAVEL_PARKING_MINUTES + 60 * way / speed)
    return min(minutes, MOST_MINUTES)


def _distance_km(
    latitude_a: int, longitude_a: int, latitude_b: int, longitude_b: int
) -> float:
    phi_a, phi_b = radians(latitude_a / 1e6), radians(latitude_b / 1e6)
    half_phi = (phi_b - phi_a) / 2
    half_lambda = radians((longitude_b - longitude_a) / 1e6) / 2
    chord = sin(half_phi) ** 2 + cos(phi_a) * cos(phi_b) * sin(half_lambda) ** 2
    return 2 * _EARTH_KM * asin(sqrt(min(1.0, chord)))


class Travel:
    """Travel times for one answer, from the provider or, where it fails, the model.

    `degraded` tells whether the model had to stand in.
    """

    __slots__ = ("_is_away", "_model", "_provider", "degraded")

    def __init__(self, provider: TravelTime | None = None) -> None:
        self._model = GreatCircle()
        self._provider = provider
        self._is_away = False
        self.degraded = False

    @property
    def has_provider(self) -> bool:
        """Whether another than the built-in model is asked."""
        return self._provider is not None

    def minutes(self, origin: Place, destination: Place) -> int:
        """Return the minutes from one place to the other."""
        if self._provider is not None and not self._is_away:
            try:
                known = self._provider.minutes(origin, destination)
                return min(known, MOST_MINUTES)
            except TravelUnknown:
                self.degraded = True
            except TravelUnavailable as error:
                # One failure is enough: nobody waits for a dead provider once per
                # visit.
                logger.warning("travel_degraded", error=str(error))
                self._is_away = self.degraded = True
        return self._model.minutes(origin, destination)


def travel() -> Travel:
    """Return the travel times that the settings ask for."""
    path = settings.TRAVEL_TIME_PROVIDER
    return Travel(import_string(path)() if path else None)

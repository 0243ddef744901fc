"""What the house asks a map vendor: where an address is, and how long a way takes.

Nobody waits for the vendor: an address is located after it was listed, and a way that
is not known yet is guessed by the built-in model, marked so, and fetched afterwards.
"""

from integrations.services.maps.locating import (
    deliver_geocode,
    have_located,
    refresh_locations,
)
from integrations.services.maps.provider import RoadTravel
from integrations.services.maps.ways import fetch_ways, stale_ways

__all__ = [
    "RoadTravel",
    "deliver_geocode",
    "fetch_ways",
    "have_located",
    "refresh_locations",
    "stale_ways",
]

"""Travel times by road, as far as they are known: see `core.travel`."""

from math import ceil

from django.conf import settings

from core.travel import Place, TravelUnknown
from integrations.rules.ways import Way
from integrations.selectors.travel import known_ways
from integrations.services.maps import wanted


class RoadTravel:
    """Reads the ways of one wish, and calls nobody.

    All ways of a wish begin or end at its place: one question to the database brings
    them. What is missing is written down to be fetched, and guessed by the caller.
    """

    __slots__ = ("_places", "_ways")

    def __init__(self) -> None:
        self._places: set[Place] = set()
        self._ways: dict[Way, int] = {}

    def minutes(self, origin: Place, destination: Place) -> int:
        if origin == destination:
            return 0
        if origin not in self._places and destination not in self._places:
            self._ways.update(known_ways(places=[origin, destination]))
            self._places |= {origin, destination}
        found = self._ways.get((origin, destination))
        if found is None:
            wanted.note((origin, destination))
            raise TravelUnknown("That way is not known yet.")
        parking: int = ceil(settings.TRAVEL_PARKING_MINUTES)
        return found + parking

"""Real ZIPs around a branch, shared out among its zones."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import zipcodes

from config.demo.data.branches import BranchPlan
from config.demo.dice import Dice

# About a mile: houses lie around the middle of their ZIP, not on it.
_JITTER_DEGREES = 0.014


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A ZIP: its post office's city, and the middle of its area."""

    postal_code: str
    city: str
    region: str
    latitude: float
    longitude: float

    def point_nearby(self, dice: Dice) -> tuple[float, float]:
        """Return the coordinates of some house in it."""
        return (
            round(self.latitude + dice.gauss(0, _JITTER_DEGREES / 2), 6),
            round(self.longitude + dice.gauss(0, _JITTER_DEGREES / 2), 6),
        )


def place_at(postal_code: str) -> Place:
    """Return a ZIP that must exist."""
    (row,) = zipcodes.matching(postal_code)
    return _place(row)


def zone_of(postal_code: str) -> ZoneInfo:
    """Return the time zone of a ZIP that must exist."""
    (row,) = zipcodes.matching(postal_code)
    return ZoneInfo(row["timezone"])


def places_by_zone(plan: BranchPlan) -> dict[str, list[Place]]:
    """Return the places that a branch serves, by the name of the zone they are in."""
    middles = {name: place_at(postal_code) for name, postal_code in plan.zones}
    served: dict[str, list[Place]] = {name: [] for name in middles}
    for place in _places_around(plan):
        nearest = min(middles, key=lambda name: _square(place, middles[name]))
        served[nearest].append(place)
    return served


def _places_around(plan: BranchPlan) -> Iterable[Place]:
    """Yield the ZIPs near the seat in which people live, in order."""
    seat = place_at(plan.seat)
    rows = zipcodes.filter_by_coordinates(
        seat.latitude, seat.longitude, plan.radius_miles
    )
    for row in sorted(rows, key=lambda row: row["zip_code"]):
        lived_in = row["zip_code_type"] == "STANDARD" and row["active"]
        if lived_in and row["state"] == seat.region:
            yield _place(row)


def _place(row: dict[str, Any]) -> Place:
    return Place(
        postal_code=row["zip_code"],
        city=row["city"],
        region=row["state"],
        latitude=float(row["lat"]),
        longitude=float(row["long"]),
    )


def _square(one: Place, other: Place) -> float:
    """Return the squared distance in degrees: enough to tell the nearest."""
    return (one.latitude - other.latitude) ** 2 + (one.longitude - other.longitude) ** 2

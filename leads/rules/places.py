"""Where a ZIP is, from the list that ships with the `zipcodes` package."""

import re
from dataclasses import dataclass

import zipcodes

_US_ZIP = re.compile(r"(\d{5})(-?\d{4})?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A ZIP: its post office's city, and the middle of its area."""

    city: str
    region: str
    latitude: float
    longitude: float


def place_of_zip(postal_code: str) -> Place | None:
    """Return where a ZIP is, or None for one that is unknown or foreign."""
    # The package panics at what is not ASCII, so it only ever sees five digits.
    found = _US_ZIP.fullmatch(postal_code)
    rows = zipcodes.matching(found[1]) if found else []
    if not rows:
        return None
    return Place(
        city=rows[0]["city"],
        region=rows[0]["state"],
        latitude=float(rows[0]["lat"]),
        longitude=float(rows[0]["long"]),
    )

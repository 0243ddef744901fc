"""Google Maps: where an address is, and how long the way between two places takes.

It is told of nothing and knows nothing of ours: `kinds` and `feeds` are empty, and the
house asks it through `geocode` and `minutes_between`. Geocoding takes the key as a
parameter (no header is described for it): URLs are logged nowhere, and refusals
have the key blackened.

Not verified with the vendor: how errors of the Routes API look beyond their
`{error: {code, message, status}}`; that an error may come as a list with one of
them; that coordinates may be kept 30 days (the setting MAPS_CACHE_DAYS).
"""

from collections.abc import Mapping
from typing import Any

from django.utils import timezone

from integrations.connectors.asked_only import AskedOnly
from integrations.connectors.google_maps.geocoding import Found, geocode
from integrations.connectors.google_maps.matrix import minutes_between
from integrations.connectors.google_maps.questions import QUESTIONS
from integrations.connectors.port import Caller
from integrations.rules.refusals import CallFailed, NotAllowed
from integrations.rules.things import Inbound, Remote

__all__ = ["Found", "GoogleMaps", "geocode", "minutes_between"]

# Two towers that do not move.
_HERE, _THERE = (48_858_370, 2_294_481), (48_873_792, 2_295_028)
_ADDRESS = "1600 Amphitheatre Parkway, Mountain View, CA 94043"


class GoogleMaps(AskedOnly):
    """The connector of one project at Google."""

    vendor = "google_maps"
    hosts: Mapping[str, str] = {
        "api": "https://maps.googleapis.com",
        "routes": "https://routes.googleapis.com",
    }
    trusted_hosts = frozenset({"maps.googleapis.com", "routes.googleapis.com"})
    questions = QUESTIONS
    calls_per_second = 20.0

    def authorise(self, call: Caller) -> Mapping[str, str]:
        return {"X-Goog-Api-Key": call.credentials.get("api_key", "")}

    def check(self, call: Caller) -> str:
        found = geocode(call, _ADDRESS)
        ways = minutes_between(call, [_HERE], [_THERE], now=timezone.now())
        where = found.text if found else "nothing"
        return f"Geocoding finds {where}; a way of 2 km takes {ways.get((0, 0))} min."

    def failure_of(self, status: int, body: Any) -> tuple[str, str]:
        error = _error(body)
        return str(error.get("status") or ""), str(error.get("message") or "")

    def kind_of(self, status: int, body: Any) -> type[CallFailed] | None:
        """Tell a wrong key, which is a 400 there, from a wrong question."""
        is_about_key = "api key" in str(_error(body).get("message") or "").casefold()
        return NotAllowed if status == 400 and is_about_key else None  # noqa: PLR2004  # Bad Request

    def fetch(self, call: Caller, remote_type: str, remote_id: str) -> Remote | None:
        return None

    def read(self, call: Caller, event: Inbound) -> list[Remote]:
        return []


def _error(body: Any) -> Mapping[str, Any]:
    first = body[0] if isinstance(body, list) and body else body
    error = first.get("error") if isinstance(first, Mapping) else None
    return error if isinstance(error, Mapping) else {}

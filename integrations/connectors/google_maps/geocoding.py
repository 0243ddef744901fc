"""Where an address is: only what is exact enough to send somebody there."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from integrations.connectors.port import Caller
from integrations.rules.refusals import Busy, CallFailed, NotAllowed, Refused

# A house, or between two houses whose numbers are known.
_EXACT = frozenset({"ROOFTOP", "RANGE_INTERPOLATED"})
_FAILURES: Mapping[str, type[CallFailed]] = {
    "OVER_QUERY_LIMIT": Busy,
    "UNKNOWN_ERROR": Busy,
    "OVER_DAILY_LIMIT": NotAllowed,  # billing, or the key
    "REQUEST_DENIED": NotAllowed,
    "INVALID_REQUEST": Refused,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The best match of an address; `problem` says why nobody should go there."""

    latitude: float
    longitude: float
    text: str
    place_id: str
    problem: str = ""


def geocode(call: Caller, address: str) -> Found | None:
    """Return where an address is, or None where there is none such.

    Raises:
        CallFailed: also where the refusal came in an answer of 200.
    """
    params = {
        "address": address,
        "components": f"country:{call.settings.get('region') or 'US'}",
        "key": call.credentials.get("api_key", ""),
    }
    results = _results(call("GET", "/maps/api/geocode/json", params=params).json)
    return _found(results[0], many=len(results) > 1) if results else None


def failure_in(body: Any, statuses: Mapping[str, type[CallFailed]] = _FAILURES) -> str:
    """Return the status of an answer.

    Raises:
        CallFailed: it stands for one.
    """
    if not isinstance(body, Mapping) or "status" not in body:
        raise Busy("The answer has no status.")
    status = str(body["status"])
    said = f"{status}: {body.get('error_message') or 'no reason given'}"
    if status in statuses:
        raise statuses[status](said, code=status)
    return status


def _results(body: Any) -> list[Mapping[str, Any]]:
    status = failure_in(body)
    if status == "ZERO_RESULTS":
        return []
    results = body.get("results")
    if status != "OK" or not isinstance(results, list) or not results:
        raise Busy(f"The answer makes no sense: {status}.")
    return results


def _found(result: Mapping[str, Any], *, many: bool) -> Found:
    geometry = result.get("geometry") or {}
    point = geometry.get("location") or {}
    try:
        latitude, longitude = float(point["lat"]), float(point["lng"])
    except (KeyError, TypeError, ValueError) as error:
        raise Busy("The answer has no coordinates.") from error
    kind = str(geometry.get("location_type") or "")
    problem = ""
    if result.get("partial_match"):
        problem = "Only a part of the address matches."
    elif kind not in _EXACT:
        problem = f"No exact match ({kind.lower().replace('_', ' ') or 'unknown'})."
    elif many:
        problem = "Several places match."
    return Found(
        latitude=latitude,
        longitude=longitude,
        text=str(result.get("formatted_address") or ""),
        place_id=str(result.get("place_id") or ""),
        problem=problem,
    )

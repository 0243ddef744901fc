"""How ServiceTitan says things: paths, times, contacts, problems."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from django.conf import settings as site

from core.text import normalise_email, normalise_phone
from integrations.connectors.port import Caller
from integrations.rules.refusals import NoAnswer, Refused

MOST_PAGES = 20
PAGE_SIZE = 200
_BAD_REQUEST, _NOT_FOUND = 400, 404
_ADDRESS = ("street", "city", "state", "zip", "country")
_FROM_ADDRESS = {
    "line1": "street",
    "line2": "unit",
    "city": "city",
    "region": "state",
    "postal_code": "zip",
}
_PHONES = ("MobilePhone", "Phone")


def path(call: Caller, module: str, rest: str) -> str:
    """Return a path of the tenant in one of the API's modules."""
    return f"/{module}/v2/tenant/{call.settings['tenant_id']}/{rest}"


def get(
    call: Caller, where: str, params: Mapping[str, Any] | None = None
) -> dict[str, Any] | None:
    """Read one thing; None where there is none."""
    try:
        found: dict[str, Any] = call("GET", where, params=params).json
    except Refused as refusal:
        if refusal.status == _NOT_FOUND:
            return None
        raise
    return found


def pages(
    call: Caller, where: str, params: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    """Yield what a list holds, up to a bound: some answer that there is ever more."""
    for page in range(1, MOST_PAGES + 1):
        asked = {**params, "page": page, "pageSize": PAGE_SIZE}
        answer = call("GET", where, params=asked).json or {}
        yield from answer.get("data") or []
        if not answer.get("hasMore"):
            return


def with_id(said: Any, name: str = "id") -> dict[str, Any]:
    """Return an answer that has what makes it one.

    Raises:
        NoAnswer: the id is missing: nobody knows what was done.
    """
    if not isinstance(said, dict) or not said.get(name):
        raise NoAnswer(f"The answer has no {name}.")
    return said


def moment(text: str | None) -> str | None:
    """Return an instant as we write it: UTC, to the second."""
    found = parsed(text)
    return found.strftime("%Y-%m-%dT%H:%M:%SZ") if found else None


def version(text: str | None) -> str:
    """Return a time of change so that it orders as text."""
    found = parsed(text)
    return found.strftime("%Y-%m-%dT%H:%M:%S.%fZ") if found else ""


def parsed(text: str | None) -> datetime | None:
    """Return the instant of a text; without an offset it is UTC."""
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)


def contacts_of(body: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return contacts as a list of types and values."""
    found = body.get("contacts") or {}
    return [{"type": kind, "value": value} for kind, value in found.items() if value]


def contact_fields(said: Mapping[str, Any]) -> dict[str, str]:
    """Return phone and e-mail of a thing that lists its contacts."""
    listed = said.get("contacts")
    if not isinstance(listed, list):
        return {}
    found: dict[str, str] = {}
    for contact in sorted(listed, key=lambda each: str(each.get("type")) == "Phone"):
        value = str(contact.get("value") or "")
        if contact.get("type") in _PHONES:
            found.setdefault("phone", phone(value))
        elif contact.get("type") == "Email":
            found.setdefault("email", normalise_email(value))
    return found


def phone(value: str) -> str:
    """Return a phone as we write it, or as they did where it is none."""
    region: str = site.DEFAULT_PHONE_REGION
    return normalise_phone(value, region=region) or value


def whole_address(body: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return an address if nothing that they insist on is missing."""
    found = {
        name: value for name, value in (body.get("address") or {}).items() if value
    }
    return found if all(found.get(name) for name in _ADDRESS) else None


def address_fields(said: Mapping[str, Any]) -> dict[str, str]:
    """Return an address in our words."""
    address = said.get("address")
    if not isinstance(address, dict):
        return {}
    return {
        ours: str(address.get(their) or "") for ours, their in _FROM_ADDRESS.items()
    }


def number(value: Any, *otherwise: Any) -> int | None:
    """Return the first of these that is an id of theirs."""
    for candidate in (value, *otherwise):
        text = str(candidate if candidate is not None else "").strip()
        if text.isdecimal():
            return int(text)
    return None


def failure_of(status: int, body: Any) -> tuple[str, str]:
    """Return code and sentence of a problem (RFC 7807), or of whatever came."""
    if not isinstance(body, dict):
        return "", "a page instead of an answer" if body else ""
    said = [str(body.get("title") or body.get("message") or body.get("error") or "")]
    errors = body.get("errors")
    if isinstance(errors, dict):
        said += [f"{field}: {_joined(why)}" for field, why in errors.items()]
    if body.get("traceId"):
        said.append(f"trace {body['traceId']}")
    data = body.get("data")
    code = (
        data.get("ErrorCode") or data.get("errorCode") if isinstance(data, dict) else ""
    )
    return str(code or ""), "; ".join(part for part in said if part)[:400]


def refuses_credentials(status: int, body: Any) -> bool:
    """Tell whether the token's endpoint does not know us: it says so with a 400."""
    if status != _BAD_REQUEST or not isinstance(body, dict):
        return False
    return body.get("error") in {"invalid_client", "unauthorized_client"}


def seconds_of(body: Any) -> float | None:
    """Return the wait that a 429 names in its title, as the word before the last."""
    if not isinstance(body, dict) or not isinstance(body.get("title"), str):
        return None
    words = body["title"].split()
    if len(words) < 2 or not words[-2].isdecimal():  # noqa: PLR2004  # two words
        return None
    return float(words[-2][:6])


def _joined(why: Any) -> str:
    return " ".join(map(str, why)) if isinstance(why, list) else str(why)

"""Leads become bookings, for the office there to call back."""

from collections.abc import Mapping
from typing import Any

from integrations.connectors.port import Caller, Known
from integrations.connectors.servicetitan import wire
from integrations.rules.refusals import NotYet
from integrations.rules.things import Remote, Thing

BOOKING = "booking"
_STATUSES = {
    "New": "new",
    "Accepted": "contacted",
    "Converted": "contacted",  # to a job that was made there
    "Dismissed": "dismissed",
}
# They want words. Read back, these are none: nobody there has written them.
_NO_WORDS = "No message was left."
_ENDED = frozenset({"converted", "dismissed"})


def find(call: Caller, thing: Thing) -> Remote | None:
    """Look for the booking that carries our reference."""
    asked = {"externalId": thing.reference}
    for booking in wire.pages(call, _path(call), asked):
        if booking.get("externalId") == thing.reference:
            return remote_of(booking)
    return None


def create(call: Caller, thing: Thing, body: Mapping[str, Any]) -> Remote:
    """Leave a booking."""
    if thing.fields["status"] in _ENDED:
        raise NotYet("The lead was closed before they heard of it.")
    said = call("POST", _path(call), json=_body(call, thing, body)).json
    return remote_of(wire.with_id(said))


def update(call: Caller, thing: Thing, known: Known, body: Mapping[str, Any]) -> Remote:
    """Correct a booking."""
    where = f"{_path(call)}/{known.ids[BOOKING]}"
    changed = _body(call, thing, body)
    del changed["externalId"]
    return remote_of(
        wire.with_id(call("PATCH", where, json=changed, may_repeat=True).json)
    )


def fetch(call: Caller, remote_id: str) -> Remote | None:
    """Read a booking."""
    said = wire.get(call, wire.path(call, "crm", f"bookings/{remote_id}"))
    return remote_of(said) if said else None


def remote_of(said: Mapping[str, Any]) -> Remote:
    """Return a booking as a lead."""
    fields: dict[str, Any] = {
        **wire.contact_fields(said),
        **{name: said[name] for name in ("name", "summary") if said.get(name)},
    }
    if fields.get("summary") == _NO_WORDS:
        del fields["summary"]
    if said.get("status") in _STATUSES:
        fields["status"] = _STATUSES[said["status"]]
    return Remote(
        kind="lead",
        remote_type=BOOKING,
        remote_id=str(said["id"]),
        fields=fields,
        version=wire.version(said.get("modifiedOn")),
        changed_at=wire.parsed(said.get("modifiedOn")),
        reference=str(said.get("externalId") or ""),
    )


def _path(call: Caller) -> str:
    provider = call.settings.get("booking_provider_id")
    if not provider:
        raise NotYet("No booking provider is set, so leads are not sent.")
    return wire.path(call, "crm", f"booking-provider/{provider}/bookings")


def _body(call: Caller, thing: Thing, body: Mapping[str, Any]) -> dict[str, Any]:
    settings = call.settings
    found = {
        "source": settings.get("booking_source") or "Fieldbook",
        "name": body.get("name") or thing.reference,
        "summary": body.get("summary") or _NO_WORDS,
        "isFirstTimeClient": bool(body.get("isFirstTimeClient")),
        "externalId": thing.reference,
        "priority": body.get("priority"),
        "address": wire.whole_address(body),
        "contacts": wire.contacts_of(body),
        "jobTypeId": wire.number(body.get("jobTypeId")),
        "businessUnitId": wire.number(body.get("businessUnitId")),
        "campaignId": wire.number(settings.get("campaign_id")),
    }
    return {name: value for name, value in found.items() if value not in (None, [])}

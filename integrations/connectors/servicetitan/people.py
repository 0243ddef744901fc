"""Customers with their locations, and technicians."""

from collections.abc import Mapping
from typing import Any

from integrations.connectors.port import Caller, Known
from integrations.connectors.servicetitan import wire
from integrations.rules.refusals import NotYet
from integrations.rules.things import Remote, Thing

CUSTOMER, LOCATION, TECHNICIAN = "customer", "location", "technician"


def find_customer(call: Caller, thing: Thing) -> Remote | None:
    """Look for a customer: by our reference, by phone, by name and address."""
    fields = thing.fields
    for asked in (
        reference_query(call, thing.reference),
        {"phone": fields.get("phone", "").removeprefix("+1")},
        {
            "name": fields["name"],
            "street": fields.get("line1", ""),
            "zip": fields.get("postal_code", ""),
        },
    ):
        if all(asked.values()):
            where = wire.path(call, "crm", "customers")
            found = [
                said
                for said in wire.pages(call, where, asked)
                if said.get("active", True)
            ]
            if found:
                return customer_remote(_likeliest(found, fields["name"]))
    return None


def create_customer(call: Caller, thing: Thing, body: Mapping[str, Any]) -> Remote:
    """Create a customer with a first location."""
    address = wire.whole_address(body)
    if address is None:
        raise NotYet("A customer there has an address; a visit will bring it.")
    contacts = wire.contacts_of(body)
    said = call(
        "POST",
        wire.path(call, "crm", "customers"),
        json={
            "name": body["name"],
            "type": "Residential",
            "address": address,
            "contacts": contacts,
            "locations": [
                {"name": body["name"], "address": address, "contacts": contacts}
            ],
            "externalData": external_data(call, thing.reference),
        },
    ).json
    return customer_remote(wire.with_id(said))


def update_customer(
    call: Caller, known: Known, body: Mapping[str, Any], changed: frozenset[str]
) -> Remote:
    """Tell the name, and the contacts that changed."""
    customer_id = known.ids[CUSTOMER]
    if changed & {"phone", "email"}:
        _tell_contacts(call, customer_id, body)
    where = wire.path(call, "crm", f"customers/{customer_id}")
    said = call("PATCH", where, json={"name": body["name"]}, may_repeat=True).json
    return customer_remote(wire.with_id(said))


def fetch_customer(call: Caller, remote_id: str) -> Remote | None:
    """Read a customer, and how to reach them."""
    where = wire.path(call, "crm", f"customers/{remote_id}")
    said = wire.get(call, where, external_query(call))
    if said is None:
        return None
    return customer_remote({**said, "contacts": _contacts(call, remote_id)})


def _contacts(call: Caller, customer_id: str) -> list[dict[str, Any]]:
    where = wire.path(call, "crm", f"customers/{customer_id}/contacts")
    return list(wire.pages(call, where, {}))


def _tell_contacts(call: Caller, customer_id: str, body: Mapping[str, Any]) -> None:
    """Correct the contact of each kind, or add it where there is none."""
    there = _contacts(call, customer_id)
    where = wire.path(call, "crm", f"customers/{customer_id}/contacts")
    for contact in wire.contacts_of(body):
        same_kind = [row for row in there if row.get("type") == contact["type"]]
        if any(row.get("value") == contact["value"] for row in same_kind):
            continue
        if same_kind:
            one = f"{where}/{same_kind[0]['id']}"
            call("PATCH", one, json={"value": contact["value"]}, may_repeat=True)
        else:
            call("POST", where, json=contact)


def customer_remote(said: Mapping[str, Any]) -> Remote:
    """Return a customer in our words."""
    fields: dict[str, Any] = wire.contact_fields(said)
    if said.get("name"):
        fields["name"] = str(said["name"])
    return Remote(
        kind="customer",
        remote_type=CUSTOMER,
        remote_id=str(said["id"]),
        fields=fields,
        version=wire.version(said.get("modifiedOn")),
        changed_at=wire.parsed(said.get("modifiedOn")),
        reference=reference_in(said),
        is_gone=said.get("active") is False,
    )


def find_location(call: Caller, thing: Thing, known: Known) -> Remote | None:
    """Look for the address among the customer's locations."""
    customer = known.parents["customer"].ids[CUSTOMER]
    where = wire.path(call, "crm", "locations")
    for said in wire.pages(call, where, {"customerId": customer}):
        is_theirs = str(said.get("customerId", customer)) == customer
        if is_theirs and _place(wire.address_fields(said)) == _place(thing.fields):
            return location_remote(said)
    return None


def fetch_location(call: Caller, remote_id: str) -> Remote | None:
    """Read an address."""
    said = wire.get(call, wire.path(call, "crm", f"locations/{remote_id}"))
    return location_remote(said) if said else None


def create_location(
    call: Caller, thing: Thing, known: Known, body: Mapping[str, Any]
) -> Remote:
    """Add a location to a customer."""
    said = call(
        "POST",
        wire.path(call, "crm", "locations"),
        json={
            "customerId": int(known.parents["customer"].ids[CUSTOMER]),
            "name": body.get("name") or thing.fields["line1"],
            "address": wire.whole_address(body),
        },
    ).json
    return location_remote(wire.with_id(said))


def find_technician(call: Caller, thing: Thing) -> Remote | None:
    """Look for a technician by e-mail."""
    where = wire.path(call, "settings", "technicians")
    for said in wire.pages(call, where, {"active": "True"}):
        if str(said.get("email") or "").casefold() == thing.fields["email"]:
            return technician_remote(said)
    return None


def technician_remote(said: Mapping[str, Any]) -> Remote:
    """Return a technician in our words."""
    return Remote(
        kind="technician",
        remote_type=TECHNICIAN,
        remote_id=str(said["id"]),
        fields={
            "name": str(said.get("name") or ""),
            "email": str(said.get("email") or "").casefold(),
        },
    )


def external_data(call: Caller, reference: str) -> dict[str, Any]:
    """Return our reference as they keep it for an application."""
    return {
        "applicationGuid": call.settings["app_guid"],
        "externalData": [{"key": _key(call), "value": reference}],
    }


def external_query(call: Caller) -> dict[str, str]:
    """Return the parameter without which they do not show our reference."""
    return {"externalDataApplicationGuid": call.settings["app_guid"]}


def reference_query(call: Caller, reference: str) -> dict[str, str]:
    """Return the question for what carries our reference."""
    return {
        **external_query(call),
        "externalDataKey": _key(call),
        "externalDataValues": reference,
    }


def reference_in(said: Mapping[str, Any]) -> str:
    """Return our reference, where the thing shows it."""
    kept = said.get("externalData")
    rows = kept.get("externalData") if isinstance(kept, dict) else kept
    if not isinstance(rows, list):
        return ""
    found = [str(row.get("value") or "") for row in rows if isinstance(row, dict)]
    return found[0] if len(found) == 1 else ""


def _key(call: Caller) -> str:
    return str(call.settings.get("external_key") or "fieldbook_ref")


def _likeliest(found: list[dict[str, Any]], name: str) -> dict[str, Any]:
    """Return the one of that name, else the one that was there first."""
    same = [
        said for said in found if str(said.get("name")).casefold() == name.casefold()
    ]
    return min(same or found, key=lambda said: int(said["id"]))


def _place(fields: Mapping[str, Any]) -> tuple[str, ...]:
    names = ("line1", "line2", "postal_code")
    return tuple(str(fields.get(name) or "").casefold().strip() for name in names)


def location_remote(said: Mapping[str, Any]) -> Remote:
    """Return an address in our words."""
    return Remote(
        kind="property",
        remote_type=LOCATION,
        remote_id=str(said["id"]),
        fields=wire.address_fields(said),
        version=wire.version(said.get("modifiedOn")),
    )

"""Leads: told once. Housecall has no call that changes one."""

from collections.abc import Mapping
from typing import Any

from integrations.connectors.housecallpro import people, reading
from integrations.connectors.housecallpro.wire import all_rows, created
from integrations.connectors.port import Caller, Known
from integrations.rules.things import Remote, Thing

_LOOK_BACK_PAGES = 3


def find(call: Caller, thing: Thing, known: Known) -> Remote | None:
    """Return the lead whose note has our reference.

    It is looked for among those of the customer, or among the latest of all.
    """
    customer = people.customer_row(call, thing.fields)
    about = {"customer_id": customer["id"]} if customer else {}
    newest_first = {"sort_by": "created_at", "sort_direction": "desc"}
    rows = all_rows(
        call, "/leads", "leads", pages=_LOOK_BACK_PAGES, **newest_first, **about
    )
    found = (reading.lead(row) for row in rows)
    return next((lead for lead in found if lead.reference == thing.reference), None)


def create(call: Caller, thing: Thing, known: Known, body: Mapping[str, Any]) -> Remote:
    """Write a wish down there, for a customer whom they know or a new one."""
    person = people.with_their_phone(call, body.get("customer", {}))
    person = {name: value for name, value in person.items() if value}
    address = {name: value for name, value in body.get("address", {}).items() if value}
    note = f"{body.get('note') or ''}\nref:{thing.reference}".strip()
    tags = [tag for tag in (body.get("tags") or {}).values() if tag]
    sent: dict[str, Any] = {"note": note}
    row = people.customer_row(call, thing.fields)
    if row is not None:
        sent["customer_id"] = row["id"]
    else:
        sent["customer"] = person
    if address.get("street"):
        sent["address"] = address
    if tags:
        sent["tags"] = tags
    if body.get("lead_source"):
        sent["lead_source"] = body["lead_source"]
    made = created(call("POST", "/leads", json=sent).json)
    return reading.lead({"note": note, **made})

"""Customers, their addresses, and technicians: looked for before they are made."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from integrations.connectors.housecallpro import reading
from integrations.connectors.housecallpro.mapping import CUSTOMER_FIELDS
from integrations.connectors.housecallpro.wire import (
    Row,
    all_rows,
    created,
    read_one,
    rows_of,
    says_yes,
)
from integrations.connectors.port import Caller, Known
from integrations.rules.refusals import NoAnswer, NotYet
from integrations.rules.things import Fields, Remote, Thing

_PHONES = ("mobile_number", "home_number", "work_number")
# Numbers are compared by their last ten digits: theirs have no country.
_DIGITS = 10
_SEARCH_PAGES = 2


def find_customer(call: Caller, thing: Thing, known: Known) -> Remote | None:
    """Return whom they know by that e-mail or phone."""
    row = customer_row(call, thing.fields, reference=thing.reference)
    return reading.customer(row) if row else None


def customer_row(call: Caller, fields: Fields, *, reference: str = "") -> Row | None:
    """Return their customer with our phone, else the only one with our e-mail.

    Who has neither is looked for by name, and known by our reference in the notes.
    """
    email = str(fields.get("email") or "").casefold()
    phone = _digits(fields.get("phone"))
    rows = {row["id"]: row for text in (email, phone) for row in _matching(call, text)}
    by_phone = [row for row in rows.values() if phone and phone in _phones(row)]
    if by_phone:
        return by_phone[0]
    by_email = [
        row
        for row in rows.values()
        if email and str(row.get("email") or "").strip().casefold() == email
    ]
    if email or phone or not reference:
        return by_email[0] if len(by_email) == 1 else None
    return next(
        (
            row
            for row in _matching(call, str(fields.get("name") or ""))
            if reading.reference_in(str(row.get("notes") or "")) == reference
        ),
        None,
    )


def create_customer(
    call: Caller, thing: Thing, known: Known, body: Mapping[str, Any]
) -> Remote:
    """Write a customer down there."""
    sent = with_their_phone(call, body)
    sent = {name: value for name, value in sent.items() if value}
    if not (thing.fields.get("email") or thing.fields.get("phone")):
        # Without a contact this is the only way to know them again.
        sent["notes"] = f"{sent.get('notes', '')}\nref:{thing.reference}".strip()
    sent["notifications_enabled"] = says_yes(call, "notify_customers")
    return reading.customer(created(call("POST", "/customers", json=sent).json))


def update_customer(
    call: Caller, known: Known, body: Mapping[str, Any]
) -> Remote | None:
    """Change a customer there. A blank only replaces what they had from us."""
    path = f"/customers/{known.ids['customer']}"
    sent = {
        name: value
        for name, value in with_their_phone(call, body).items()
        if value or known.agreed.get(CUSTOMER_FIELDS.get(name, ""))
    }
    answer = call("PUT", path, json=sent).json
    has_id = isinstance(answer, Mapping) and answer.get("id")
    return reading.customer(answer) if has_id else None


def with_their_phone(call: Caller, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a person with the phone written as they write it."""
    phone = body.get("mobile_number")
    if not phone or call.settings.get("phone_format") == "e164":
        return dict(body)
    return {**body, "mobile_number": _digits(phone)}


def find_address(call: Caller, thing: Thing, known: Known) -> Remote | None:
    """Return the customer's address there that is this one."""
    customer_id = customer_id_of(known)
    row = read_one(call, f"/customers/{customer_id}")
    return _same_address(thing.fields, (row or {}).get("addresses"))


def create_address(
    call: Caller, thing: Thing, known: Known, body: Mapping[str, Any]
) -> Remote:
    """Add an address to their customer."""
    path = f"/customers/{customer_id_of(known)}/addresses"
    sent = {name: value for name, value in body.items() if value}
    answer = call("POST", path, json=sent).json
    # What is answered is not described: the address, or the customer with all of them.
    rows = answer.get("addresses", [answer]) if isinstance(answer, Mapping) else []
    added = _same_address(thing.fields, rows)
    if added is None:
        raise NoAnswer("The answer does not show the new address.")
    return added


def customer_id_of(known: Known) -> str:
    """Return their customer of a thing of ours.

    Raises:
        NotYet: they do not know the customer yet.
    """
    customer = known.parents.get("customer")
    if customer is None or "customer" not in customer.ids:
        raise NotYet("They do not know the customer yet.")
    return customer.ids["customer"]


def find_technician(call: Caller, thing: Thing, known: Known) -> Remote | None:
    """Return who works there with that e-mail, else the only one with that phone."""
    rows = list(all_rows(call, "/employees", "employees"))
    email = str(thing.fields.get("email") or "").casefold()
    phone = _digits(thing.fields.get("phone"))
    same = [row for row in rows if email and _email(row) == email]
    same = same or [row for row in rows if phone and phone in _phones(row)]
    return reading.employee(same[0]) if len(same) == 1 else None


def _matching(call: Caller, text: str) -> Iterable[Row]:
    if not text:
        return []
    params = {"q": text, "page": 1, "page_size": 100}
    return rows_of(call("GET", "/customers", params=params).json, "customers")


def _same_address(fields: Fields, rows: Any) -> Remote | None:
    wanted = _plain(fields.get("line1"), fields.get("line2"), fields.get("postal_code"))
    for row in rows or []:
        found = _plain(row.get("street"), row.get("street_line_2"), row.get("zip"))
        if row.get("id") and found == wanted:
            return Remote(
                kind="property", remote_type="address", remote_id=str(row["id"])
            )
    return None


def _plain(*parts: Any) -> tuple[str, ...]:
    """Return an address as two people would compare it."""
    street, unit, zip_code = (str(part or "").casefold() for part in parts)
    words = tuple(" ".join(re.findall(r"\w+", text)) for text in (street, unit))
    return (*words, zip_code[:5])


def _email(row: Row) -> str:
    return str(row.get("email") or "").strip().casefold()


def _phones(row: Row) -> set[str]:
    return {_digits(row.get(name)) for name in _PHONES} - {""}


def _digits(phone: Any) -> str:
    return re.sub(r"\D", "", str(phone or ""))[-_DIGITS:]

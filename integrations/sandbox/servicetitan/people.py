"""ServiceTitan's customers, their locations and contacts."""

from typing import Any

from integrations.sandbox.servicetitan import shapes
from integrations.sandbox.servicetitan.books import EXTERNAL, Books, Row, shown
from integrations.sandbox.servicetitan.call import Call, Routes
from integrations.sandbox.servicetitan.lists import (
    Filter,
    equals,
    holds,
    page_of,
    told,
)
from integrations.sandbox.servicetitan.problems import Problem, missing

_OWNERS = ("customerId", "locationId")


class People:
    """Customers have contacts and locations, and a location contacts of its own.

    Who reads a customer is told neither: both have lists of their own. Only the
    answer to a new customer holds them. Equal customers are not found to be so.
    """

    def __init__(self, books: Books) -> None:
        self._books = books
        self.routes: Routes = {
            "POST /crm/customers": self._add_customer,
            "GET /crm/customers": self._list_customers,
            "GET /crm/customers/contacts": self._list_all_contacts,
            "GET /crm/customers/{}": self._get_customer,
            "PATCH /crm/customers/{}": self._change_customer,
            "GET /crm/customers/{}/contacts": self._list_contacts,
            "POST /crm/customers/{}/contacts": self._add_contact,
            "PATCH /crm/customers/{}/contacts/{}": self._change_contact,
            "DELETE /crm/customers/{}/contacts/{}": self._delete_contact,
            "POST /crm/locations": self._add_location,
            "GET /crm/locations": self._list_locations,
            "GET /crm/locations/{}": self._get_location,
            "PATCH /crm/locations/{}": self._change_location,
        }

    def _add_customer(self, *, call: Call) -> Row:
        body = call.read(shapes.CUSTOMER)
        customer, there = self.add(body)
        more = {
            "locations": there,
            "contacts": self._contacts(customerId=customer["id"]),
        }
        return told(customer, guid_of(body.get("externalData"))) | more

    def add(self, body: Row) -> tuple[Row, list[Row]]:
        """Add a customer; return them, and their locations as they are told."""
        apart = {"contacts", "locations", "externalData"}
        customer = self._books.customers.add(
            **{"type": "Residential", "doNotMail": False, "doNotService": False}
            | {"tagTypeIds": [], "customFields": [], "balance": 0}
            | {name: value for name, value in body.items() if name not in apart}
        )
        attach(customer, body.get("externalData"))
        for contact in body.get("contacts", []):
            self._books.contacts.add(customerId=customer["id"], **contact)
        there = [self._new_location(customer, each) for each in body["locations"]]
        self._books.tell("customer.created", customer)
        return customer, there

    def _new_location(self, customer: Row, body: Row) -> Row:
        external, contacts = body.get("externalData"), body.get("contacts") or []
        location = self._books.locations.add(
            customerId=customer["id"],
            name=body["name"],
            address=body["address"],
            customFields=body.get("customFields") or [],
            tagTypeIds=body.get("tagTypeIds") or [],
        )
        attach(location, external)
        for contact in contacts:
            self._books.contacts.add(locationId=location["id"], **contact)
        more = {"contacts": self._contacts(locationId=location["id"])}
        return told(location, guid_of(external)) | more

    def _list_customers(self, *, call: Call) -> Any:
        filters = {
            "name": holds("name"),
            "phone": self._has_phone(call.params.get("phone", "")),
            "street": _address_holds("street"),
            "zip": _address_holds("zip"),
        }
        return page_of(self._books.customers, call.params, filters=filters)

    def _has_phone(self, wanted: str) -> Filter:
        """Compare the last ten digits: people write phones in many ways."""
        theirs = {
            row["customerId"]
            for row in self._books.contacts
            if "customerId" in row
            and row["type"] in {"Phone", "MobilePhone"}
            and _digits(row["value"]) == _digits(wanted)
        }
        return lambda customer, _wanted: customer["id"] in theirs

    def _get_customer(self, number: str, *, call: Call) -> Row:
        return told(self._books.customers.get(number), call.params)

    def _change_customer(self, number: str, *, call: Call) -> Row:
        customer = self._books.customers.get(number)
        body = call.read(shapes.CUSTOMER_CHANGE)
        external = body.pop("externalData", None)
        attach(customer, external)
        self._books.customers.change(customer, **body)
        self._books.tell("customer.updated", customer)
        return told(customer, guid_of(external))

    def _list_all_contacts(self, *, call: Call) -> Any:
        theirs = [row for row in self._books.contacts if "customerId" in row]
        return page_of(theirs, call.params)

    def _list_contacts(self, number: str, *, call: Call) -> Any:
        customer = self._books.customers.get(number)
        theirs = self._books.contacts.of(customerId=customer["id"])
        return page_of(theirs, call.params)

    def _add_contact(self, number: str, *, call: Call) -> Row:
        customer = self._books.customers.get(number)
        body = call.read(shapes.CONTACT)
        contact = self._books.contacts.add(customerId=customer["id"], **body)
        self._books.customers.change(customer)
        self._books.tell("customer.updated", customer)
        return shown(contact)

    def _change_contact(self, number: str, contact_number: str, *, call: Call) -> Row:
        customer, contact = self._contact(number, contact_number)
        self._books.contacts.change(contact, **call.read(shapes.CONTACT_CHANGE))
        self._books.customers.change(customer)
        self._books.tell("customer.updated", customer)
        return shown(contact)

    def _delete_contact(self, number: str, contact_number: str, *, call: Call) -> None:
        customer, contact = self._contact(number, contact_number)
        self._books.contacts.remove(contact)
        self._books.customers.change(customer)
        self._books.tell("customer.updated", customer)

    def _contact(self, number: str, contact_number: str) -> tuple[Row, Row]:
        customer = self._books.customers.get(number)
        contact = self._books.contacts.get(contact_number)
        if contact.get("customerId") != customer["id"]:
            raise missing("Contact", contact_number)
        return customer, contact

    def _add_location(self, *, call: Call) -> Row:
        body = call.read(shapes.LOCATION)
        if not self._books.customers.has(body["customerId"]):
            raise Problem(409, f"Customer {body['customerId']} does not exist.")
        customer = self._books.customers.get(body["customerId"])
        location = self._new_location(customer, body)
        self._books.tell("location.created", self._books.locations.get(location["id"]))
        return location

    def _list_locations(self, *, call: Call) -> Any:
        filters = {
            "customerId": equals("customerId"),
            "name": holds("name"),
            "street": _address_holds("street"),
            "zip": _address_holds("zip"),
        }
        return page_of(self._books.locations, call.params, filters=filters)

    def _get_location(self, number: str, *, call: Call) -> Row:
        return told(self._books.locations.get(number), call.params)

    def _change_location(self, number: str, *, call: Call) -> Row:
        location = self._books.locations.get(number)
        body = call.read(shapes.LOCATION_CHANGE)
        external = body.pop("externalData", None)
        attach(location, external)
        self._books.locations.change(location, **body)
        self._books.tell("location.updated", location)
        return told(location, guid_of(external))

    def _contacts(self, **owner: int) -> list[Row]:
        hidden = {*_OWNERS, "active", "createdOn"}
        return [
            {name: value for name, value in shown(row).items() if name not in hidden}
            for row in self._books.contacts.of(**owner)
        ]


def attach(row: Row, external: Any) -> None:
    """Keep an application's data with a row; other applications' stays."""
    if external is None:
        return
    guid = external["applicationGuid"]
    pairs = {pair["key"]: pair["value"] for pair in external["externalData"]}
    merged = external.get("patchMode") == "Merge"
    row[EXTERNAL][guid] = (row[EXTERNAL].get(guid, {}) if merged else {}) | pairs


def guid_of(external: Any) -> dict[str, str]:
    """Return the parameter that names whose data was sent."""
    guid = external["applicationGuid"] if external else ""
    return {"externalDataApplicationGuid": guid}


def _address_holds(member: str) -> Filter:
    def keep(row: Row, wanted: str) -> bool:
        return wanted.casefold() in str(row["address"].get(member)).casefold()

    return keep


def _digits(text: str) -> str:
    return "".join(filter(str.isdigit, text))[-10:]

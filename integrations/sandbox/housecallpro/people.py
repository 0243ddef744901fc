"""Housecall Pro's customers, their addresses, and the employees."""

from typing import Any

from integrations.sandbox.housecallpro.books import COMPANY, Books, Row, new_id
from integrations.sandbox.housecallpro.call import Call, Routes
from integrations.sandbox.housecallpro.refusals import invalid, malformed, not_found

NAMES = ("first_name", "last_name", "company")
PHONES = ("mobile_number", "home_number", "work_number")
TEXTS = (*NAMES, "email", *PHONES, "lead_source", "notes")
ADDRESS = ("street", "street_line_2", "city", "state", "zip", "country")
PHONE_DIGITS = 10


class People:
    """Customers are kept as they come, the same person twice if sent twice."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self.routes: Routes = {
            "POST /customers": self._add,
            "GET /customers": self._list,
            "GET /customers/{}": self._get,
            "PUT /customers/{}": self._change,
            "GET /customers/{}/addresses": self._list_addresses,
            "POST /customers/{}/addresses": self._add_address,
            "GET /employees": self._list_employees,
        }

    def add(self, body: Row) -> Row:
        """Add a customer.

        Raises:
            Refusal: 422 without any name.
        """
        members = read_customer(body)
        if not any(members.get(name) for name in NAMES):
            raise invalid(first_name="can't be blank")
        addresses = [new_address(each) for each in _list(body, "addresses")]
        customer = self._books.customers.add(
            **dict.fromkeys(TEXTS)
            | {"notifications_enabled": True, "tags": [], "company_id": COMPANY}
            | members,
            addresses=addresses,
        )
        self._books.tell("customer.created", customer)
        return customer

    def add_address(self, customer: Row, address: Row) -> None:
        """Add an address to a customer."""
        self._books.customers.change(
            customer, addresses=[*customer["addresses"], address]
        )
        self._books.tell("customer.updated", customer)

    def _add(self, *, call: Call) -> tuple[int, Row]:
        return 201, self.add(call.body())

    def _list(self, *, call: Call) -> tuple[int, Row]:
        wanted = call.first("q").casefold().strip()
        found = [row for row in self._books.customers if _matches(row, wanted)]
        return 200, call.page(found, name="customers", shown=dict)

    def _get(self, name: str, *, call: Call) -> tuple[int, Row]:
        return 200, self._books.customers.get(name)

    def _change(self, name: str, *, call: Call) -> tuple[int, Row]:
        customer = self._books.customers.get(name)
        self._books.customers.change(customer, **read_customer(call.body()))
        self._books.tell("customer.updated", customer)
        return 200, customer

    def _list_addresses(self, name: str, *, call: Call) -> tuple[int, Row]:
        addresses = self._books.customers.get(name)["addresses"]
        dated = [{"created_at": "", **address} for address in addresses]
        return 200, call.page(
            dated, name="addresses", shown=lambda row: _without(row, "created_at")
        )

    def _add_address(self, name: str, *, call: Call) -> tuple[int, Row]:
        customer, address = self._books.customers.get(name), new_address(call.body())
        self.add_address(customer, address)
        return 201, address

    def _list_employees(self, *, call: Call) -> tuple[int, Row]:
        return 200, call.page(self._books.employees, name="employees", shown=dict)


def read_customer(body: Row) -> Row:
    """Return the members of a customer that a body holds.

    Raises:
        Refusal: 400.
    """
    members = {name: body[name] for name in TEXTS if name in body}
    wrong = [
        name for name, value in members.items() if not isinstance(value, str | None)
    ]
    if wrong:
        raise malformed(*wrong)
    for name in PHONES:
        if members.get(name):
            members[name] = digits(members[name])
    if "tags" in body:
        members["tags"] = [str(tag) for tag in _list(body, "tags")]
    if "notifications_enabled" in body:
        members["notifications_enabled"] = bool(body["notifications_enabled"])
    return members


def new_address(body: Any) -> Row:
    """Read an address and give it an id.

    Raises:
        Refusal: 400 or 422.
    """
    if not isinstance(body, dict):
        raise malformed("address")
    if not isinstance(body.get("street"), str) or not body["street"].strip():
        raise invalid(street="can't be blank")
    return {"id": new_id("adr"), "type": "service"} | {
        name: body.get(name) for name in ADDRESS
    }


def address_of(customer: Row, name: Any) -> Row:
    """Return a customer's address.

    Raises:
        Refusal: 404.
    """
    for address in customer["addresses"]:
        if address["id"] == name:
            return dict(address)
    raise not_found("Address")


def digits(text: str) -> str:
    """Return a phone as the vendor keeps it: the last ten digits."""
    return "".join(filter(str.isdigit, text))[-PHONE_DIGITS:]


def _matches(customer: Row, wanted: str) -> bool:
    """Look in name, e-mail, phone and address."""
    name = f"{customer['first_name'] or ''} {customer['last_name'] or ''}"
    places = [f"{each['street']} {each['city']}" for each in customer["addresses"]]
    texts = [name, customer["company"] or "", customer["email"] or "", *places]
    number = digits(wanted)
    is_phone = len(number) == PHONE_DIGITS and customer["mobile_number"] == number
    return is_phone or any(wanted in text.casefold() for text in texts)


def _list(body: Row, member: str) -> list[Any]:
    value = body.get(member) or []
    if not isinstance(value, list):
        raise malformed(member)
    return value


def _without(row: Row, member: str) -> Row:
    return {name: value for name, value in row.items() if name != member}

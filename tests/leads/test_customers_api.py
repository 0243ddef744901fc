"""Customers and their properties over HTTP."""

import pytest

from tests.factories import make_customer, make_property
from tests.leads.conftest import EMAIL, PHONE

URL = "/api/v1/customers"
NOT_ASKED = {"service": None, "marketing": None}

pytestmark = pytest.mark.django_db


def listed(client, **query) -> list[str]:
    answer = client.get(URL, query)
    assert answer.status_code == 200, answer.json()
    return [customer["name"] for customer in answer.json()["results"]]


def write_down(client, *contacts: dict[str, str], **given):
    body = {"name": "Ada Byron", "contact_methods": contacts} | given
    return client.post(URL, body, format="json")


def phone(value: str) -> dict[str, str]:
    return {"kind": "phone", "value": value}


def email(value: str) -> dict[str, str]:
    return {"kind": "email", "value": value}


def test_a_customer_is_written_down(dispatcher) -> None:
    answer = write_down(dispatcher, phone("602 555 0142"), email("Ada@Example.COM"))

    assert answer.status_code == 201, answer.json()
    assert answer["ETag"] == '"1"'
    assert answer.json()["contact_methods"] == [
        {"kind": "phone", "value": PHONE, "is_primary": True} | NOT_ASKED,
        {"kind": "email", "value": EMAIL, "is_primary": True} | NOT_ASKED,
    ]
    assert answer.json()["properties"] == []


@pytest.mark.parametrize("contact", [phone("call me"), email("at home")])
def test_staff_list_only_contacts_that_work(dispatcher, contact) -> None:
    answer = write_down(dispatcher, contact)

    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert error["pointer"] == "/contact_methods/0/value"


def test_a_phone_that_another_one_has_is_a_conflict(dispatcher) -> None:
    owner = make_customer(phone=PHONE)

    answer = write_down(dispatcher, phone(PHONE))

    assert (answer.status_code, answer.json()["code"]) == (409, "phone_taken")
    assert answer.json()["customer"] == str(owner.pk)


def test_a_customer_is_shown_with_its_version(dispatcher) -> None:
    customer = make_customer(phone=PHONE)
    make_property(customer=customer)

    answer = dispatcher.get(f"{URL}/{customer.pk}")

    assert answer["ETag"] == '"1"'
    assert len(answer.json()["properties"]) == 1
    known = dispatcher.get(f"{URL}/{customer.pk}", headers={"If-None-Match": '"1"'})
    assert known.status_code == 304


def test_a_customer_is_changed(dispatcher) -> None:
    customer = make_customer(name="Ada", phone=PHONE)

    answer = dispatcher.patch(
        f"{URL}/{customer.pk}",
        {"notes": "Two dogs", "contact_methods": [email(EMAIL)]},
        format="json",
        headers={"If-Match": '"1"'},
    )

    assert answer.status_code == 200, answer.json()
    assert (answer.json()["name"], answer.json()["notes"]) == ("Ada", "Two dogs")
    assert [row["value"] for row in answer.json()["contact_methods"]] == [EMAIL]


def test_a_stale_change_is_answered_with_the_customer_as_it_is(dispatcher) -> None:
    customer = make_customer(name="Ada", version=2)

    answer = dispatcher.patch(
        f"{URL}/{customer.pk}",
        {"name": "Eve"},
        format="json",
        headers={"If-Match": '"1"'},
    )

    assert answer.status_code == 412
    assert answer.json()["current"]["name"] == "Ada"


def test_lists_come_by_name_and_are_searched(dispatcher) -> None:
    for name in ("Cid", "Ada", "Bob"):
        make_customer(name=name)
    make_property(customer=make_customer(name="Dan"), line1="12 Elm St")

    assert listed(dispatcher) == ["Ada", "Bob", "Cid", "Dan"]
    assert listed(dispatcher, search="12 elm") == ["Dan"]


def test_a_list_costs_the_same_however_long(
    dispatcher, django_assert_num_queries
) -> None:
    def ask() -> None:
        # Who asks, the customers, their contacts, their properties.
        with django_assert_num_queries(4):
            assert dispatcher.get(URL).status_code == 200

    make_property(customer=make_customer(phone=PHONE))
    ask()
    for number in range(5):
        customer = make_customer(phone=f"+1602555020{number}", email=EMAIL)
        make_property(customer=customer)
    ask()


def test_an_address_is_added(dispatcher) -> None:
    customer = make_customer()

    answer = dispatcher.post(
        f"{URL}/{customer.pk}/properties",
        {"line1": "1 Elm St", "postal_code": "85004"},
        format="json",
    )

    assert answer.status_code == 201, answer.json()
    assert answer.json()["city"] == "Phoenix"
    assert answer.json()["is_location_estimated"] is True


def test_coordinates_come_in_pairs(dispatcher) -> None:
    answer = dispatcher.post(
        f"{URL}/{make_customer().pk}/properties",
        {"line1": "1 Elm St", "postal_code": "85004", "latitude": 33},
        format="json",
    )

    assert answer.status_code == 400


def test_an_address_that_is_listed_is_a_conflict(dispatcher) -> None:
    home = make_property(line1="1 Elm St")

    answer = dispatcher.post(
        f"{URL}/{home.customer_id}/properties",
        {"line1": "1 Elm St", "postal_code": "85004"},
        format="json",
    )

    assert (answer.status_code, answer.json()["code"]) == (409, "address_listed")
    assert answer.json()["property"] == str(home.pk)


def test_the_addresses_of_a_customer_are_listed(
    dispatcher, django_assert_num_queries
) -> None:
    home = make_property(line1="1 Elm St")
    make_property(customer=home.customer, line1="2 Oak St")
    make_property()

    with django_assert_num_queries(3):  # who asks, the customer, the addresses
        answer = dispatcher.get(f"{URL}/{home.customer_id}/properties")

    lines = [address["line1"] for address in answer.json()["results"]]
    assert lines == ["2 Oak St", "1 Elm St"]

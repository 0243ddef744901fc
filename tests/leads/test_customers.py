"""Customers, their contacts and addresses."""

import pytest

from core.actors import ANONYMOUS, SYSTEM, Actor, Role
from core.errors import NotFound, VersionConflict
from core.models import Event
from leads.models import ContactKind, Customer, Property
from leads.services import (
    AddressListed,
    PhoneTaken,
    PropertyForm,
    add_property,
    create_customer,
    update_customer,
)
from tests.factories import NOW, make_customer, make_property
from tests.leads.conftest import EMAIL, PHONE

pytestmark = pytest.mark.django_db

OTHER_PHONE = "+16025550143"


def contact(value: str) -> tuple[ContactKind, str]:
    return (ContactKind.EMAIL if "@" in value else ContactKind.PHONE), value


def create(*contacts: str) -> Customer:
    return create_customer(
        name="Ada Byron",
        contacts=[contact(value) for value in contacts],
        actor=SYSTEM,
        now=NOW,
    )


def update(customer: Customer, **changes) -> Customer:
    return update_customer(
        customer_id=customer.pk, changes=changes, actor=SYSTEM, now=NOW
    )


def primaries(customer: Customer) -> set[str]:
    rows = customer.contact_methods.filter(is_primary=True)
    return set(rows.values_list("value", flat=True))


def test_the_first_contact_of_a_kind_is_the_primary_one() -> None:
    customer = create(OTHER_PHONE, EMAIL, PHONE)

    assert primaries(customer) == {OTHER_PHONE, EMAIL}
    assert customer.contact_methods.count() == 3


def test_a_contact_given_twice_is_listed_once() -> None:
    assert create(PHONE, PHONE).contact_methods.count() == 1


def test_a_phone_belongs_to_one_customer() -> None:
    owner = create(PHONE)

    with pytest.raises(PhoneTaken) as refused:
        create(EMAIL, PHONE)

    assert refused.value.extra["customer"] == str(owner.pk)
    assert Customer.objects.count() == 1


def test_a_household_may_share_an_e_mail() -> None:
    assert create(EMAIL) != create(EMAIL)


def test_new_contacts_replace_all_there_were() -> None:
    customer = create(PHONE, EMAIL)

    update(customer, contacts=[contact(OTHER_PHONE)])

    assert primaries(customer) == {OTHER_PHONE}
    assert customer.contact_methods.count() == 1


def test_what_is_left_out_stays() -> None:
    customer = create(PHONE)

    customer = update(customer, notes="Two dogs")

    assert (customer.name, customer.notes) == ("Ada Byron", "Two dogs")
    assert primaries(customer) == {PHONE}
    assert customer.version == 2


def test_a_refused_change_changes_nothing() -> None:
    create(PHONE)
    customer = create(OTHER_PHONE)

    with pytest.raises(PhoneTaken):
        update(customer, name="Eve", contacts=[contact(PHONE)])

    customer.refresh_from_db()
    assert customer.name == "Ada Byron"
    assert primaries(customer) == {OTHER_PHONE}


def test_a_stale_version_is_refused() -> None:
    customer = update(create(), name="Eve")

    with pytest.raises(VersionConflict):
        update_customer(
            customer_id=customer.pk,
            changes={},
            actor=SYSTEM,
            now=NOW,
            expected_version=1,
        )


@pytest.mark.parametrize("role", [Role.TECHNICIAN, Role.ANONYMOUS])
def test_customers_are_the_offices(role) -> None:
    nobody = Actor(role=role, label="nobody")

    with pytest.raises(NotFound):
        update_customer(
            customer_id=make_customer().pk, changes={}, actor=nobody, now=NOW
        )
    assert not Customer.objects.visible_to(ANONYMOUS).exists()


def add(customer: Customer, **given) -> Property:
    form = PropertyForm(**{"line1": "1 Elm St", "postal_code": "85004"} | given)
    return add_property(customer_id=customer.pk, form=form, actor=SYSTEM, now=NOW)


def test_given_coordinates_are_no_estimate() -> None:
    address = add(make_customer(), latitude=33.5, longitude=-112.0)

    assert (address.latitude, address.longitude) == (33.5, -112.0)
    assert not address.is_location_estimated


def test_what_is_said_of_the_place_counts_for_more_than_the_zip() -> None:
    address = add(make_customer(), city="South Phoenix")

    assert (address.city, address.region) == ("South Phoenix", "AZ")


def test_an_address_is_listed_once() -> None:
    home = make_property(line1="1 ELM ST", postal_code="85004")

    with pytest.raises(AddressListed) as refused:
        add(home.customer)

    assert refused.value.extra["property"] == str(home.pk)


def test_adding_an_address_is_told() -> None:
    address = add(make_customer())

    event = Event.objects.get(name="customer.property_added")
    assert event.data["property"] == str(address.pk)

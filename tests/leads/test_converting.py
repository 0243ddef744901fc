"""A lead becomes a customer with an address."""

import pytest
import time_machine
from django.db import transaction

from core.actors import ANONYMOUS
from core.errors import Forbidden, NotFound
from core.ids import uuid7
from core.models import Event
from leads.models import Customer, LeadFlag, LeadStatus, Property
from leads.services import (
    AddressMissing,
    LinkExpired,
    customer_for_lead,
    issue_booking_token,
    lead_id_of_token,
    lock_open_lead,
    mark_converted,
    property_for_lead,
)
from tests.factories import DAY, HOUR, NOW, make_customer, make_property
from tests.leads.conftest import EMAIL, PHONE, received

pytestmark = pytest.mark.django_db


def customer_of(lead) -> Customer:
    return customer_for_lead(lead=lead, actor=ANONYMOUS, now=NOW)


def address_of(lead, customer=None) -> Property:
    return property_for_lead(
        lead=lead, customer=customer or make_customer(), actor=ANONYMOUS, now=NOW
    )


def contacts(customer) -> set[tuple[str, str, bool]]:
    return set(customer.contact_methods.values_list("kind", "value", "is_primary"))


def test_a_stranger_becomes_a_customer_with_all_contacts(branch) -> None:
    customer = customer_of(received(email=EMAIL))

    assert customer.name == "Ada Byron"
    assert contacts(customer) == {("phone", PHONE, True), ("email", EMAIL, True)}
    assert Event.objects.filter(aggregate_id=customer.pk).count() == 1


def test_a_known_customer_is_found_again(branch) -> None:
    known = make_customer(name="Ada Byron", phone=PHONE)

    assert customer_of(received()) == known
    assert Customer.objects.count() == 1


def test_a_customer_who_came_between_is_found(branch) -> None:
    lead = received()
    known = make_customer(phone=PHONE)

    assert customer_of(lead) == known


def test_a_strangers_new_contact_is_listed_but_never_primary(branch) -> None:
    known = make_customer(name="Ada Byron", phone=PHONE)

    customer_of(received(email="mallory@example.com"))

    assert contacts(known) == {
        ("phone", PHONE, True),
        ("email", "mallory@example.com", False),
    }
    known.refresh_from_db()
    assert known.version == 2
    assert Event.objects.get(aggregate_id=known.pk).name == "customer.updated"


def test_an_odd_e_mail_is_nobodys_contact(branch) -> None:
    customer = customer_of(received(email="ada at example"))

    assert contacts(customer) == {("phone", PHONE, True)}


def test_a_lead_without_contacts_becomes_a_customer_all_the_same(branch) -> None:
    customer = customer_of(received(phone="", email=""))

    assert contacts(customer) == set()


def test_an_address_takes_its_middle_from_the_zip(branch) -> None:
    address = address_of(received())

    assert (address.city, address.region) == ("Phoenix", "AZ")
    assert address.latitude == pytest.approx(33.45, abs=0.1)
    assert address.longitude == pytest.approx(-112.07, abs=0.1)
    assert address.is_location_estimated


def test_a_zip_from_abroad_has_no_coordinates(branch) -> None:
    address = address_of(received(postal_code="SW1A 1AA", city="London"))

    assert address.latitude is None
    assert not address.is_location_estimated


def test_a_known_address_is_found_again_however_it_is_cased(branch) -> None:
    home = make_property(line1="1 ELM st", postal_code="85004")

    assert address_of(received(), customer=home.customer) == home


def test_another_unit_is_another_address(branch) -> None:
    home = make_property(line1="1 Elm St", postal_code="85004")

    assert address_of(received(line2="Apt 2"), customer=home.customer) != home


@pytest.mark.parametrize("given", [{"line1": ""}, {"postal_code": ""}])
def test_a_visit_needs_somewhere_to_go(branch, given) -> None:
    with pytest.raises(AddressMissing):
        address_of(received(**given))


def test_a_converted_lead_has_its_customer_and_time(branch) -> None:
    lead, customer = received(), make_customer(name="Ada Byron")

    mark_converted(lead=lead, customer=customer, actor=ANONYMOUS, now=NOW)

    lead.refresh_from_db()
    assert lead.status == LeadStatus.CONVERTED
    assert (lead.customer, lead.converted_at) == (customer, NOW)
    assert lead.flags == []
    event = Event.objects.get(name="lead.converted")
    assert event.data["customer"] == str(customer.pk)


def test_converting_to_somebody_of_another_name_is_flagged(branch) -> None:
    lead = received()

    mark_converted(
        lead=lead, customer=make_customer(name="Eve"), actor=ANONYMOUS, now=NOW
    )

    assert lead.flags == [LeadFlag.POSSIBLE_DUPLICATE]


def test_a_lead_that_is_not_there_cannot_be_locked(db) -> None:
    with transaction.atomic(), pytest.raises(NotFound):
        lock_open_lead(lead_id=uuid7())


def test_a_booking_token_leads_back_to_its_lead(branch) -> None:
    lead = received()

    assert lead_id_of_token(issue_booking_token(lead)) == lead.pk


def test_a_booking_token_lasts_a_day(branch) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        token = issue_booking_token(received())
        clock.shift(DAY - HOUR)
        lead_id_of_token(token)
        clock.shift(2 * HOUR)
        with pytest.raises(LinkExpired):
            lead_id_of_token(token)


@pytest.mark.parametrize("damage", ["", "x", "x:y:z", "é:é", "cut"])
def test_a_forged_booking_token_opens_nothing(branch, damage) -> None:
    token = issue_booking_token(received())[:-1] if damage == "cut" else damage

    with pytest.raises(Forbidden):
        lead_id_of_token(token)

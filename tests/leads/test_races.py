"""Two at once: one lead, one customer, one address."""

import pytest
from django.db import transaction
from django.utils import timezone

from core.actors import ANONYMOUS, SYSTEM
from core.models import Event
from leads.models import ContactKind, ContactMethod, Customer, Lead, Property
from leads.services import (
    AlreadyConverted,
    PhoneTaken,
    create_customer,
    customer_for_lead,
    lock_open_lead,
    mark_converted,
    property_for_lead,
    receive_lead,
)
from tests.crowds import CROWD, at_once
from tests.factories import NOW, make_customer
from tests.leads.conftest import EMAIL, PHONE, received, wish

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]


def convert(lead: Lead) -> Property:
    """Do what a booking does with its lead."""
    with transaction.atomic():
        locked = lock_open_lead(lead_id=lead.pk)
        customer = customer_for_lead(lead=locked, actor=ANONYMOUS, now=NOW)
        address = property_for_lead(
            lead=locked, customer=customer, actor=ANONYMOUS, now=NOW
        )
        mark_converted(lead=locked, customer=customer, actor=ANONYMOUS, now=NOW)
        return address


def test_one_form_sent_many_times_at_once_is_one_lead() -> None:
    now = timezone.now()

    results = at_once(lambda _: receive_lead(form=wish(), actor=ANONYMOUS, now=now))

    assert sum(is_new for _, is_new in results) == 1
    assert len({lead.pk for lead, _ in results}) == 1
    assert Lead.objects.count() == Event.objects.count() == 1


@pytest.mark.parametrize(
    "contact", [{"phone": PHONE}, {"phone": "", "email": EMAIL}], ids=["phone", "email"]
)
def test_leads_of_one_person_at_once_are_one_customer_and_address(contact) -> None:
    leads = [received(message=f"No {n}", **contact) for n in range(CROWD)]

    results = at_once(lambda n: convert(leads[n]))

    assert len({address.pk for address in results}) == 1
    assert Customer.objects.count() == Property.objects.count() == 1
    assert ContactMethod.objects.count() == 1


def test_leads_with_crossed_contacts_do_not_wait_in_a_circle() -> None:
    phones = [PHONE, "+16025550143"]
    emails = [EMAIL, "eve@example.com"]
    leads = [
        received(phone=phones[n % 2], email=emails[n // 2 % 2], message=f"No {n}")
        for n in range(CROWD)
    ]

    results = at_once(lambda n: convert(leads[n]))

    assert [result for result in results if not isinstance(result, Property)] == []
    assert Customer.objects.count() <= 2  # one, where an e-mail led to the other phone


def test_a_lead_converts_once() -> None:
    lead = received()

    results = at_once(lambda _: convert(lead))

    assert sum(isinstance(result, AlreadyConverted) for result in results) == CROWD - 1
    assert Event.objects.filter(name="lead.converted").count() == 1


def test_one_phone_is_given_to_one_of_many_new_customers() -> None:
    results = at_once(
        lambda n: create_customer(
            name=f"Customer {n}",
            contacts=[(ContactKind.PHONE, PHONE)],
            actor=SYSTEM,
            now=NOW,
        )
    )

    (winner,) = (r for r in results if isinstance(r, Customer))
    refused = [r for r in results if isinstance(r, PhoneTaken)]
    assert len(refused) == CROWD - 1
    assert {r.extra["customer"] for r in refused} == {str(winner.pk)}
    assert list(Customer.objects.all()) == [winner]


def test_a_known_customers_new_contact_is_listed_once() -> None:
    known = make_customer(phone=PHONE)
    leads = [received(email=EMAIL, message=f"No {n}") for n in range(CROWD)]

    at_once(lambda n: convert(leads[n]))

    assert known.contact_methods.count() == 2
    numbers = Event.objects.filter(aggregate_id=known.pk).values_list("number")
    assert sorted(numbers) == [(n,) for n in range(1, len(numbers) + 1)]

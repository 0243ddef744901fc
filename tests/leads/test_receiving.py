"""A lead is never lost: what is odd is kept as it was, and flagged."""

from datetime import timedelta

import pytest
from django.utils import timezone

from core.actors import ANONYMOUS, SYSTEM
from core.models import Event
from leads.models import Customer, Lead, LeadFlag
from leads.services import receive_lead
from tests.factories import MINUTE, NOW, make_customer, make_location, make_zone
from tests.leads.conftest import EMAIL, PHONE, received, wish

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "given",
    ["(602) 555-0142", "602.555.0142", "+1 602 555 0142", "1-602-555-0142 ext. 7"],
)
def test_phones_become_e164_and_are_kept_as_given(branch, given) -> None:
    lead = received(phone=given)

    assert lead.phone == PHONE
    assert lead.phone_given == given
    assert lead.flags == []


def test_a_phone_from_abroad_keeps_its_country() -> None:
    assert received(phone="+44 20 7946 0958").phone == "+442079460958"


def test_the_companys_region_reads_a_phone_without_a_country(settings) -> None:
    settings.DEFAULT_PHONE_REGION = "GB"

    assert received(phone="020 7946 0958").phone == "+442079460958"


@pytest.mark.parametrize("given", ["555-0100", "call me", "0000000000", "+1" * 30])
def test_a_bad_phone_is_kept_and_flagged(branch, given) -> None:
    lead = received(phone=given, email=EMAIL)

    assert lead.phone == ""
    assert lead.phone_given == given
    assert lead.flags == [LeadFlag.INVALID_PHONE]


def test_e_mails_are_trimmed_and_case_folded(branch) -> None:
    assert received(email="  Ada@EXAMPLE.com ").email == EMAIL


def test_an_odd_e_mail_is_kept_and_flagged(branch) -> None:
    lead = received(email="ada at example")

    assert lead.email == "ada at example"
    assert lead.flags == [LeadFlag.INVALID_EMAIL]


def test_nobody_to_call_back_is_flagged(branch) -> None:
    lead = received(phone="", email="")

    assert lead.flags == [LeadFlag.NO_CONTACT]


def test_the_zip_names_the_branch(branch) -> None:
    make_zone("98101", location=make_location())

    assert received(postal_code="85004").location == branch
    assert received(postal_code="85004-1234").location == branch


@pytest.mark.parametrize("code", ["99999", "SW1A 1AA", "\uff11" * 5])
def test_a_zip_that_nobody_serves_is_kept_and_flagged(branch, code) -> None:
    lead = received(postal_code=code)

    assert lead.location is None
    assert lead.postal_code == code
    assert lead.flags == [LeadFlag.OUT_OF_SERVICE_AREA]


def test_no_zip_is_no_flag(branch) -> None:
    lead = received(postal_code="")

    assert lead.location is None
    assert lead.flags == []


def test_a_known_phone_is_a_known_customer(branch) -> None:
    known = make_customer(name="ada  BYRON", phone=PHONE)

    lead = received()

    assert lead.customer == known
    assert lead.flags == []


def test_another_name_on_a_known_phone_is_flagged_and_changes_nothing(branch) -> None:
    known = make_customer(name="Charles Babbage", phone=PHONE)

    lead = received()

    assert lead.customer == known
    assert lead.flags == [LeadFlag.POSSIBLE_DUPLICATE]
    known.refresh_from_db()
    assert known.name == "Charles Babbage"


def test_an_e_mail_tells_the_customer_where_the_phone_does_not(branch) -> None:
    known = make_customer(name="Ada Byron", email=EMAIL)

    assert received(email="Ada@Example.com").customer == known


def test_the_phone_counts_for_more_than_the_e_mail(branch) -> None:
    make_customer(email=EMAIL)
    by_phone = make_customer(name="Ada Byron", phone=PHONE)

    assert received(email=EMAIL).customer == by_phone


def test_an_e_mail_that_two_customers_share_tells_nobody(branch) -> None:
    make_customer(email=EMAIL)
    make_customer(email=EMAIL)

    assert received(email=EMAIL).customer is None


def test_a_phone_is_not_looked_for_among_e_mails(branch) -> None:
    make_customer(email=PHONE)

    assert received().customer is None


def test_a_new_lead_is_told_without_personal_data(branch) -> None:
    lead = received()

    event = Event.objects.get(name="lead.created")
    assert (event.aggregate_id, event.number) == (lead.pk, 1)
    assert event.location_id == branch.pk
    assert event.data["reference"] == lead.reference
    assert "Ada" not in str(event.data)
    assert "0142" not in str(event.data)


def test_receiving_a_lead_makes_no_customer(branch) -> None:
    received()

    assert not Customer.objects.exists()


def test_the_identical_form_within_ten_minutes_is_the_same_lead(branch) -> None:
    first, is_new = receive_lead(form=wish(), actor=ANONYMOUS, now=timezone.now())

    later = timezone.now() + 9 * MINUTE
    again, is_new_again = receive_lead(form=wish(), actor=ANONYMOUS, now=later)

    assert (is_new, is_new_again) == (True, False)
    assert again == first
    assert Event.objects.count() == 1


def test_the_identical_form_after_ten_minutes_is_another_lead(branch) -> None:
    first = received(now=timezone.now())

    again = received(now=timezone.now() + 10 * MINUTE)

    assert again != first


@pytest.mark.parametrize(
    "other", [{"message": "Upstairs"}, {"line1": "2 Elm St"}, {"name": "Ada B."}]
)
def test_a_form_that_differs_is_another_lead(branch, other) -> None:
    now = timezone.now()

    received(now=now)
    received(now=now, **other)

    assert Lead.objects.count() == 2


@pytest.mark.parametrize(
    ("actor", "source"), [(ANONYMOUS, "website"), (SYSTEM, "staff")]
)
def test_the_source_follows_from_who_writes(branch, actor, source) -> None:
    assert received(actor=actor).source == source
    assert received(actor=actor, source="yelp").source == "yelp"


def test_references_can_be_told_on_the_phone(branch) -> None:
    lead = received(now=NOW - timedelta(days=1))

    assert lead.reference.startswith("L-")
    assert len(lead.reference) == 10

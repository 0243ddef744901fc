"""Customers, leads and technicians, as vendors change them."""

import pytest

from core.actors import SYSTEM
from integrations.models import ExternalLink, SyncConflict
from integrations.rules.things import Remote
from leads.models import LeadStatus
from leads.services import dismiss_lead, update_customer
from tests.factories import NOW, make_customer, make_lead, make_property
from tests.integrations.sync.company import (
    IGNORED,
    PROCESSED,
    hear,
    link,
    make_connection,
    make_crew,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def connection(db):
    return make_connection()


@pytest.fixture
def ada(connection):
    """Return a customer whom both sides know."""
    customer = make_customer(name="Ada", phone="+16025550142", email="ada@example.com")
    make_property(customer=customer)
    link(connection, "customer", customer.pk, remote=("customer", "1"))
    return customer


@pytest.fixture
def lead(connection):
    lead = make_lead(name="Ada", message="No cooling")
    link(connection, "lead", lead.pk, remote=("booking", "5"))
    return lead


def customer(**fields) -> Remote:
    return Remote(kind="customer", remote_type="customer", remote_id="1", fields=fields)


def booking(**fields) -> Remote:
    return Remote(kind="lead", remote_type="booking", remote_id="5", fields=fields)


def contacts(of) -> set[tuple[str, bool]]:
    return set(of.contact_methods.values_list("value", "is_primary"))


def test_a_name_that_they_corrected_is_ours(connection, ada):
    assert hear(connection, customer(name="Ada Byron")).state == PROCESSED

    ada.refresh_from_db()
    assert ada.name == "Ada Byron"


def test_another_phone_takes_the_place_of_the_first(connection, ada):
    hear(connection, customer(phone="+16025550177"))

    assert contacts(ada) == {("+16025550177", True), ("ada@example.com", True)}


def test_a_phone_as_people_write_it_is_the_same_phone(connection, ada):
    taken = hear(connection, customer(phone="(602) 555-0142", name="Ada Byron"))

    assert taken.state == PROCESSED
    assert ("+16025550142", True) in contacts(ada)


def test_a_phone_of_somebody_else_needs_attention(connection, ada):
    make_customer(phone="+16025550177")

    hear(connection, customer(phone="+16025550177"))

    found = SyncConflict.objects.get()
    assert (found.field, found.theirs) == ("phone", "+16025550177")
    assert ("+16025550142", True) in contacts(ada)


@pytest.mark.parametrize("name", ["", "   "])
def test_a_customer_keeps_a_name(connection, ada, name):
    hear(connection, customer(name=name))

    ada.refresh_from_db()
    assert ada.name == "Ada"
    assert SyncConflict.objects.get().field == "name"


def test_both_names_are_kept_where_both_changed(connection, ada):
    update_customer(
        customer_id=ada.pk, changes={"name": "Ada King"}, actor=SYSTEM, now=NOW
    )

    hear(connection, customer(name="Ada Byron"))

    ada.refresh_from_db()
    conflict = SyncConflict.objects.get()
    assert ada.name == "Ada Byron"
    assert (conflict.ours, conflict.theirs, conflict.kept) == (
        "Ada King",
        "Ada Byron",
        "theirs",
    )


def test_somebody_whom_we_know_by_phone_is_linked(connection):
    known = make_customer(name="Ada", phone="+16025550142")

    hear(connection, customer(name="Ada", phone="+16025550142"))

    found = ExternalLink.objects.get(object_type="customer")
    assert (found.object_id, found.remote_id) == (known.pk, "1")


def test_a_stranger_of_theirs_is_not_made_ours(connection):
    assert hear(connection, customer(name="Zoe", phone="+16025550188")).state == IGNORED
    assert not ExternalLink.objects.exists()


def test_a_second_record_of_one_customer_is_not_linked(connection, ada):
    second = Remote(
        kind="customer",
        remote_type="customer",
        remote_id="2",
        fields={"name": "A. Byron", "phone": "+16025550142"},
    )

    assert hear(connection, second).state == IGNORED
    ada.refresh_from_db()
    assert ada.name == "Ada"


def test_a_booking_that_was_dismissed_dismisses_the_lead(connection, lead):
    hear(connection, booking(status="dismissed"))

    lead.refresh_from_db()
    assert lead.status == LeadStatus.DISMISSED
    assert "The CRM" in lead.dismissal_reason


def test_a_booking_that_they_accepted_is_a_lead_that_was_answered(connection, lead):
    hear(connection, booking(status="contacted", name="Ada Byron"))

    lead.refresh_from_db()
    assert (lead.status, lead.name) == (LeadStatus.CONTACTED, "Ada Byron")


def test_a_lead_that_is_closed_stays_as_it_is(connection, lead):
    dismiss_lead(lead_id=lead.pk, reason="A joke", actor=SYSTEM, now=NOW)

    taken = hear(connection, booking(status="contacted", name="Zoe"))

    lead.refresh_from_db()
    assert taken.state == IGNORED
    assert (lead.status, lead.name) == (LeadStatus.DISMISSED, "Ada")


def test_a_technician_is_linked_by_e_mail_whatever_its_case(connection):
    (technician,) = make_crew(1)

    hear(
        connection,
        Remote(
            kind="technician",
            remote_type="technician",
            remote_id="77",
            fields={"email": "TECH0@shop.test"},
        ),
    )

    assert ExternalLink.objects.get().object_id == technician.pk


def test_a_kind_that_nobody_takes_in_is_ignored(connection):
    remote = Remote(kind="invoice", remote_type="invoice", remote_id="1")

    assert hear(connection, remote).state == IGNORED

"""Leads and customers: each button calls one service."""

import pytest
from django.urls import reverse

from leads.models import Customer, LeadStatus
from tests.admin.desk import events_of
from tests.factories import (
    make_appointment,
    make_customer,
    make_lead,
    make_property,
)

# --- Leads ---------------------------------------------------------------------


def test_a_lead_is_marked_contacted_and_dismissed(desk, branch) -> None:
    lead = make_lead(location=branch)

    page = desk.press("leads_lead", lead, "contacted")
    lead.refresh_from_db()
    assert "Contacted" in page
    assert lead.status == LeadStatus.CONTACTED

    page = desk.press("leads_lead", lead, "dismiss", reason="Wrong number")
    lead.refresh_from_db()
    assert lead.status == LeadStatus.DISMISSED
    assert "Wrong number" in page
    assert "Book a visit" not in page
    assert events_of("lead", lead.pk) == ["lead.contacted", "lead.dismissed"]


def test_a_lead_is_dismissed_with_a_reason_only(desk, branch) -> None:
    lead = make_lead(location=branch)

    assert 'role="alert"' in desk.press("leads_lead", lead, "dismiss", reason="")
    assert events_of("lead", lead.pk) == []


def test_a_lead_is_corrected(desk, branch) -> None:
    lead = make_lead(
        location=branch, phone_given="12", phone="", flags=["invalid_phone"]
    )
    form = {"name": "Ann Okafor", "phone_given": "602 555 0147", "postal_code": "85004"}

    desk.press("leads_lead", lead, "edit", location=str(branch.pk), **form)

    lead.refresh_from_db()
    assert (lead.name, lead.phone, lead.flags) == ("Ann Okafor", "+16025550147", [])


def test_a_stale_lead_form_changes_nothing(desk, branch) -> None:
    lead = make_lead(location=branch)
    desk.press("leads_lead", lead, "contacted")

    page = desk.press("leads_lead", lead, "dismiss", reason="No")

    assert "somebody else has changed this in the meantime" in page


def test_a_lead_that_nobody_serves_is_there_for_all(desk) -> None:
    lead = make_lead(location=None, flags=["out_of_service_area"])

    page = desk.browser.get(reverse("admin:leads_lead_change", args=[lead.pk]))

    assert "None serves that address" in page.content.decode()
    assert "Out of service area" in page.content.decode()


# --- Customers -----------------------------------------------------------------


def test_a_customer_is_made_and_gets_an_address(desk) -> None:
    add = reverse("admin:leads_customer_add")
    form = {"name": "Ann", "phones": "(602) 555-0147", "emails": "Ann@Example.com"}

    assert desk.browser.get(add).status_code == 200
    desk.browser.post(add, form)

    customer = Customer.objects.get()
    contacts = customer.contact_methods.values_list("value", flat=True)
    assert set(contacts) == {"+16025550147", "ann@example.com"}

    page = desk.press(
        "leads_customer", customer, "address", line1="1 Main St", postal_code="85004"
    )
    assert "1 Main St" in page
    assert "Book a visit here" in page


@pytest.mark.parametrize(
    ("field", "value"), [("phones", "12"), ("emails", "no"), ("name", " ")]
)
def test_what_is_no_contact_is_refused(field, value, desk) -> None:
    form = {"name": "Ann", field: value}

    page = desk.browser.post(reverse("admin:leads_customer_add"), form)

    assert 'role="alert"' in page.content.decode()
    assert not Customer.objects.exists()


def test_a_customers_contacts_are_replaced(desk) -> None:
    customer = make_customer(phone="+16025550147", email="a@example.com")

    desk.press("leads_customer", customer, "edit", name="Ann", phones="602 555 0148")

    contacts = customer.contact_methods.values_list("value", flat=True)
    assert list(contacts) == ["+16025550148"]
    assert events_of("customer", customer.pk) == ["customer.updated"]


def test_a_phone_of_somebody_else_is_refused(desk) -> None:
    make_customer(phone="+16025550147")
    customer = make_customer()

    page = desk.press(
        "leads_customer", customer, "edit", name="Ann", phones="6025550147"
    )

    assert "Another customer has this phone." in page


def test_a_customers_page_shows_visits_of_the_own_branches(desk, branch) -> None:
    place = make_property()
    own = make_appointment(location=branch, property=place)
    foreign = make_appointment(property=place)
    url = reverse("admin:leads_customer_change", args=[place.customer_id])

    page = desk.browser.get(url).content.decode()

    assert own.reference in page
    assert foreign.reference not in page

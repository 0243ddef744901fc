"""Book a visit for a lead or for a customer's address."""

import pytest
from django.urls import reverse

from appointments.models import Appointment
from core.actors import Role
from leads.models import Lead, LeadStatus
from tests.factories import (
    TODAY,
    local,
    make_appointment,
    make_lead,
    make_location,
    make_property,
    make_service,
    make_technician,
    make_zone,
)

BOOK = "admin:appointments_appointment_book"
AT_NOON = "2027-03-01T12:00:00-07:00"


@pytest.fixture
def branch(db):
    technician = make_technician()
    make_zone("85004", location=technician.location)
    return technician.location


@pytest.fixture
def service(db):
    return make_service(code="tune-up", name="AC tune-up")


def test_a_lead_is_booked_at_a_time_on_offer(branch, service, sign_in) -> None:
    lead = make_lead(location=branch, line1="1 Main St", service_code=service.code)
    browser = sign_in(Role.DISPATCHER, branch)
    address = f"{reverse(BOOK)}?lead={lead.pk}"

    page = browser.get(address).content.decode()
    answer = browser.post(
        address,
        {"service": service.code, "branch": branch.code, "starts_at": AT_NOON},
        follow=True,
    )

    assert f'value="{AT_NOON}"' in page
    lead = Lead.objects.get(pk=lead.pk)
    assert lead.status == LeadStatus.CONVERTED
    visit = Appointment.objects.get(lead=lead)
    assert visit.window_starts_at == local(TODAY, 12)
    assert "The visit is booked" in answer.content.decode()
    assert visit.reference in answer.content.decode()


def test_a_lead_is_booked_once(branch, service, sign_in) -> None:
    lead = make_lead(location=branch, line1="1 Main St")
    form = {"service": service.code, "branch": branch.code, "starts_at": AT_NOON}
    browser = sign_in(Role.DISPATCHER, branch)
    address = f"{reverse(BOOK)}?lead={lead.pk}"
    browser.post(address, form)

    again = browser.post(address, form).content.decode()

    assert 'role="alert"' in again
    assert Appointment.objects.count() == 1


def test_a_time_that_is_gone_is_refused_and_others_are_named(
    branch, service, sign_in
) -> None:
    lead = make_lead(location=branch, line1="1 Main St")
    busy = make_service(duration_minutes=240)
    technician = branch.technicians.get()
    make_appointment(technician=technician, service=busy, starts_at=local(TODAY, 11))

    answer = sign_in(Role.DISPATCHER, branch).post(
        f"{reverse(BOOK)}?lead={lead.pk}&service={service.code}&branch={branch.code}",
        {"service": service.code, "branch": branch.code, "starts_at": AT_NOON},
    )

    page = answer.content.decode()
    assert "No fit technician is free at that time any more." in page
    assert "The next times that could be booked" in page
    assert Appointment.objects.count() == 1


def test_a_customer_is_booked_at_his_address(branch, service, sign_in) -> None:
    place = make_property()
    browser = sign_in(Role.DISPATCHER, branch)
    address = f"{reverse(BOOK)}?property={place.pk}"
    page = browser.get(f"{address}&service={service.code}").content.decode()
    assert f'value="{AT_NOON}"' in page

    browser.post(
        address,
        {
            "service": service.code,
            "branch": branch.code,
            "starts_at": AT_NOON,
            "notes": "Ring twice",
        },
    )

    assert Appointment.objects.get().notes == "Ring twice"


def test_where_nobody_serves_the_address_a_branch_is_asked_for(
    branch, service, sign_in
) -> None:
    lead = make_lead(postal_code="99999", line1="1 Far Away")
    browser = sign_in(Role.DISPATCHER, branch)
    address = f"{reverse(BOOK)}?lead={lead.pk}&service={service.code}"

    assert AT_NOON not in browser.get(address).content.decode()
    page = browser.get(f"{address}&branch={branch.code}").content.decode()

    assert AT_NOON in page


@pytest.mark.parametrize("query", ["", "lead=x", "property=x", "lead=0"])
def test_a_booking_is_for_somebody(query, branch, sign_in) -> None:
    assert (
        sign_in(Role.DISPATCHER, branch).get(f"{reverse(BOOK)}?{query}").status_code
        == 404
    )


def test_another_branch_is_not_booked_for(branch, service, sign_in) -> None:
    lead = make_lead(line1="1 Main St")
    other = make_location()

    answer = sign_in(Role.DISPATCHER, other).post(
        f"{reverse(BOOK)}?lead={lead.pk}",
        {"service": service.code, "branch": branch.code, "starts_at": AT_NOON},
    )

    assert "Choose a branch." in answer.content.decode()
    assert not Appointment.objects.exists()

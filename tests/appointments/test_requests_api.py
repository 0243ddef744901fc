"""Requests over HTTP: asked for by visitors, answered by the office."""

import pytest
import time_machine

from appointments.models import Appointment
from core.actors import Role
from leads.services import issue_booking_token
from tests.factories import (
    NOW,
    make_lead,
    make_property,
    make_service,
    make_technician,
    make_user,
)

EIGHT = "2027-03-02T08:00:00-07:00"


@pytest.fixture(autouse=True)
def _on_monday():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def company(company):
    """Let a window be kept exactly once, and nothing be booked unseen."""
    company.service = make_service(duration_minutes=120, requires_approval=True)
    return company


@pytest.fixture
def dispatcher(company, api_as):
    return api_as(make_user(Role.DISPATCHER, locations=[company.branch]))


def ask(api, company):
    lead = make_lead(line1="1 Elm St", city="Phoenix", region="AZ")
    wish = {
        "service": company.service.code,
        "starts_at": EIGHT,
        "lead": str(lead.pk),
        "booking_token": issue_booking_token(lead),
    }
    return api.post("/api/v1/appointments", wish, format="json")


def answer(client, asked, how, **form):
    path = f"/api/v1/appointments/{asked.json()['id']}/{how}"
    return client.post(path, form, format="json")


def test_the_website_knows_before_that_a_service_is_asked_for(api, company) -> None:
    shown = api.get(f"/api/v1/services/{company.service.pk}").json()

    assert shown["requires_approval"] is True


def test_a_visitor_asks_and_the_office_approves(api, company, dispatcher) -> None:
    asked = ask(api, company)
    approved = answer(dispatcher, asked, "approve")

    assert (asked.status_code, asked.json()["status"]) == (201, "requested")
    assert (approved.status_code, approved.json()["status"]) == (200, "scheduled")
    assert approved.json()["technicians"][0]["id"] == str(company.technician.pk)
    assert approved["ETag"] == '"2"'


def test_the_office_chooses_who_comes(api, company, dispatcher) -> None:
    spare = make_technician(location=company.branch)

    approved = answer(
        dispatcher, ask(api, company), "approve", technician=str(spare.pk)
    )

    assert approved.json()["technicians"][0]["id"] == str(spare.pk)


def test_the_slot_stays_on_offer_until_somebody_is_approved(
    api, company, dispatcher
) -> None:
    first, second = ask(api, company), ask(api, company)
    assert answer(dispatcher, first, "approve").status_code == 200

    refused, third = answer(dispatcher, second, "approve"), ask(api, company)

    assert second.status_code == 201
    assert (refused.status_code, refused.json()["code"]) == (409, "slot_unavailable")
    assert len(refused.json()["alternatives"]) == 5
    assert Appointment.objects.get(pk=second.json()["id"]).status == "requested"
    assert third.status_code == 409


def test_declining_needs_a_reason(api, company, dispatcher) -> None:
    asked = ask(api, company)

    unsaid = answer(dispatcher, asked, "decline")
    said = answer(dispatcher, asked, "decline", reason="Too far")

    assert (unsaid.status_code, unsaid.json()["code"]) == (400, "invalid")
    assert (said.status_code, said.json()["status"]) == (200, "cancelled")
    assert said.json()["cancellation_reason"] == "Too far"


def test_a_declined_request_is_not_approved(api, company, dispatcher) -> None:
    asked = ask(api, company)
    answer(dispatcher, asked, "decline", reason="Too far")

    refused = answer(dispatcher, asked, "approve")

    assert (refused.status_code, refused.json()["code"]) == (409, "invalid_transition")
    assert refused.json()["allowed"] == []


def test_a_stale_answer_is_refused(api, company, dispatcher) -> None:
    asked = ask(api, company)
    path = f"/api/v1/appointments/{asked.json()['id']}/approve"

    refused = dispatcher.post(path, {}, format="json", headers={"If-Match": '"7"'})

    assert (refused.status_code, refused.json()["code"]) == (412, "version_conflict")
    assert refused.json()["current"]["status"] == "requested"


def test_a_machine_asks_too_and_does_not_answer(api_as, company) -> None:
    machine = api_as(make_user(Role.INTEGRATION, locations=[company.branch]))
    wish = {
        "service": company.service.code,
        "starts_at": EIGHT,
        "property": str(make_property().pk),
    }

    asked = machine.post(
        "/api/v1/appointments", wish, format="json", headers={"Idempotency-Key": "k"}
    )

    assert (asked.status_code, asked.json()["status"]) == (201, "requested")
    assert answer(machine, asked, "approve").status_code == 403


def test_staff_book_at_once(dispatcher, company) -> None:
    wish = {
        "service": company.service.code,
        "starts_at": EIGHT,
        "property": str(company.property.pk),
    }

    booked = dispatcher.post("/api/v1/appointments", wish, format="json")

    assert (booked.status_code, booked.json()["status"]) == (201, "scheduled")

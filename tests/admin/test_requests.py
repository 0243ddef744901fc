"""Requests at the desk: found, approved, declined."""

import pytest
from django.urls import reverse

from appointments.models import Appointment
from appointments.rules.states import Status
from core.actors import Role
from tests.admin.desk import Desk, events_of
from tests.factories import (
    TOMORROW,
    local,
    make_appointment,
    make_service,
    make_technician,
    make_zone,
)

VISIT = "appointments_appointment"


@pytest.fixture
def technician(db):
    technician = make_technician(name="Maria Soto")
    make_zone("85004", location=technician.location)
    return technician


@pytest.fixture
def asked(technician) -> Appointment:
    return make_appointment(
        location=technician.location,
        service=make_service(notice_minutes=0, requires_approval=True),
        status=Status.REQUESTED,
        starts_at=local(TOMORROW, 10),
    )


@pytest.fixture
def desk(sign_in, technician) -> Desk:
    return Desk(sign_in(Role.DISPATCHER, technician.location))


def test_requests_have_a_tab(desk, technician, asked) -> None:
    booked = make_appointment(technician=technician, starts_at=local(TOMORROW, 8))

    url = reverse(f"admin:{VISIT}_changelist")
    page = desk.browser.get(url, {"needs": "answer"}).content.decode()

    assert asked.reference in page
    assert booked.reference not in page
    assert "Requests" in page


def test_a_request_is_approved_with_whoever_is_best_placed(
    desk, technician, asked
) -> None:
    page = desk.press(VISIT, asked, "approve", technician="")

    asked.refresh_from_db()
    assert "The visit is booked." in page
    assert asked.status == Status.SCHEDULED
    assert asked.assignments.get().technician == technician
    assert events_of("appointment", asked.pk) == ["appointment.approved"]


def test_a_request_is_approved_with_somebody(desk, technician, asked) -> None:
    colleague = make_technician(name="Diego Parker", location=technician.location)

    desk.press(VISIT, asked, "approve", technician=str(colleague.pk))

    assert asked.assignments.get().technician == colleague


def test_what_cannot_be_kept_any_more_is_said(desk, technician, asked) -> None:
    for start in (10, 11):
        make_appointment(technician=technician, starts_at=local(TOMORROW, start))

    page = desk.press(VISIT, asked, "approve", technician="")

    asked.refresh_from_db()
    assert "No fit technician is free at that time any more." in page
    assert asked.status == Status.REQUESTED


def test_a_request_is_declined_with_a_reason(desk, asked) -> None:
    page = desk.press(VISIT, asked, "decline", reason="Too far out")

    asked.refresh_from_db()
    assert "The request is declined." in page
    assert (asked.status, asked.cancellation_reason) == ("cancelled", "Too far out")


def test_only_requests_are_answered(desk, technician, asked) -> None:
    booked = make_appointment(technician=technician, starts_at=local(TOMORROW, 8))

    asked_page, booked_page = (desk.page(VISIT, one) for one in (asked, booked))

    for slug in ("approve", "decline"):
        assert f"/do/{slug}/" in asked_page
        assert f"/do/{slug}/" not in booked_page
    for slug in ("assign", "reschedule", "step", "unassign"):
        assert f"/do/{slug}/" not in asked_page

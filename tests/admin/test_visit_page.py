"""A visit's page: what it shows, and buttons that call the services."""

from dataclasses import dataclass

import pytest
from django.test import Client
from django.urls import reverse

from appointments import services
from appointments.models import Appointment
from appointments.rules.states import Status
from core.actors import SYSTEM, Role
from core.models import Event
from technicians.models import Technician
from tests.factories import (
    HOUR,
    NOW,
    TODAY,
    TOMORROW,
    local,
    make_appointment,
    make_customer,
    make_property,
    make_service,
    make_technician,
    make_zone,
)


@dataclass
class Desk:
    """A dispatcher at a desk, with a visit of tomorrow at nine on the screen."""

    browser: Client
    visit: Appointment
    technician: Technician
    colleague: Technician

    def url(self, slug: str = "") -> str:
        if slug:
            return reverse(
                "admin:appointments_appointment_action", args=[self.visit.pk, slug]
            )
        return reverse("admin:appointments_appointment_change", args=[self.visit.pk])

    def page(self, slug: str = "", **query: str) -> str:
        answer = self.browser.get(self.url(slug), query)
        assert answer.status_code == 200
        return answer.content.decode()

    def do(self, slug: str, **fields: object) -> str:
        """Send the form as it was shown, and return the page that follows."""
        form = {"version": self.visit.version} | fields
        answer = self.browser.post(self.url(slug), form, follow=True)
        assert answer.status_code == 200
        return answer.content.decode()

    def events(self) -> list[tuple[str, str]]:
        rows = Event.objects.of("appointment", self.visit.pk)
        return list(rows.values_list("name", "actor_label"))


@pytest.fixture
def desk(sign_in) -> Desk:
    technician = make_technician(name="Maria Soto")
    branch = technician.location
    make_zone("85004", location=branch)
    colleague = make_technician(name="Diego Parker", location=branch)
    customer = make_customer(
        name="Ann Okafor", phone="+16025550147", email="ann@example.com"
    )
    visit = make_appointment(
        technician=technician,
        property=make_property(customer=customer),
        service=make_service(name="AC tune-up", notice_minutes=0),
        starts_at=local(TOMORROW, 10),
    )
    browser = sign_in(Role.DISPATCHER, branch)
    return Desk(
        browser=browser, visit=visit, technician=technician, colleague=colleague
    )


def test_the_page_shows_what_a_dispatcher_needs(desk) -> None:
    page = desk.page()

    assert "Tue, Mar 2, 2027, 10:00 AM\N{EN DASH}12:00 PM MST" in page
    assert 'href="tel:+16025550147">(602) 555-0147<' in page
    assert 'href="mailto:ann@example.com"' in page
    assert "openstreetmap.org/search" in page
    assert "Maria Soto" in page


def test_assigning_goes_through_the_service(desk) -> None:
    page = desk.page("assign")
    assert "Diego Parker" in page

    page = desk.do("assign", technician=desk.colleague.pk, reason="Closer")

    assert "The technician is on the visit." in page
    assert [name for name, _ in desk.events()] == ["appointment.assigned"]
    assert "Maria Soto \N{RIGHTWARDS ARROW} Diego Parker" in page
    assert "Closer" in page


def test_who_cannot_do_it_is_listed_with_the_reason(desk) -> None:
    make_appointment(technician=desk.colleague, starts_at=local(TOMORROW, 10))
    make_appointment(technician=desk.colleague, starts_at=local(TOMORROW, 11))

    page = desk.page("assign")

    unfit = page[page.index("Cannot do it") :]
    assert "Diego Parker" in unfit
    assert "Busy" in unfit
    assert str(desk.colleague.pk) not in page


def test_a_double_booking_is_refused_with_what_else_there_is(desk) -> None:
    make_appointment(
        technician=desk.colleague,
        service=make_service(duration_minutes=180),
        starts_at=local(TOMORROW, 9),
    )

    page = desk.do("assign", technician=desk.colleague.pk)

    assert "No fit technician is free at that time any more." in page
    assert "The next times that could be booked" in page
    assert desk.events() == []
    assert desk.visit.assignments.get().technician == desk.technician


def test_only_real_times_are_offered(desk) -> None:
    make_appointment(
        technician=desk.colleague,
        service=make_service(duration_minutes=540),
        starts_at=local(TOMORROW, 8),
    )
    make_appointment(
        technician=desk.technician,
        service=make_service(duration_minutes=240),
        starts_at=local(TOMORROW, 13),
    )

    page = desk.page("reschedule", **{"from": TOMORROW.isoformat()})

    assert 'value="2027-03-02T08:00:00-07:00"' in page
    assert 'value="2027-03-02T14:00:00-07:00"' not in page
    # Its own time does not block it: it is there, marked.
    assert 'value="2027-03-02T10:00:00-07:00" disabled' in page


def test_times_can_be_asked_of_one_technician(desk) -> None:
    make_appointment(
        technician=desk.colleague,
        service=make_service(duration_minutes=540),
        starts_at=local(TOMORROW, 8),
    )
    query = {"from": TOMORROW.isoformat(), "technician": str(desk.colleague.pk)}

    page = desk.page("reschedule", **query)

    assert "2027-03-02T" not in page
    assert 'value="2027-03-03T08:00:00-07:00"' in page


def test_rescheduling_goes_through_the_service(desk) -> None:
    page = desk.do(
        "reschedule", starts_at="2027-03-03T08:00:00-07:00", reason="Customer asked"
    )

    desk.visit.refresh_from_db()
    assert desk.visit.window_starts_at == local(TOMORROW, 8) + 24 * HOUR
    assert "The visit has been moved." in page
    assert "Wed, Mar 3, 2027, 8:00\N{EN DASH}10:00 AM MST" in page
    assert [name for name, _ in desk.events()] == ["appointment.rescheduled"]


@pytest.mark.parametrize("starts_at", ["", "soon", "2027-03-03T08:00:00"])
def test_a_time_that_was_not_offered_is_asked_again(starts_at, desk) -> None:
    page = desk.do("reschedule", starts_at=starts_at)

    assert 'role="alert"' in page
    assert desk.events() == []


def test_a_stale_form_changes_nothing_and_says_so(desk) -> None:
    services.update_notes(
        appointment_id=desk.visit.pk, notes="Dog bites", actor=SYSTEM, now=NOW
    )

    page = desk.do("cancel", reason="Customer called")

    assert "somebody else has changed this in the meantime" in page
    assert "Dog bites" in page
    desk.visit.refresh_from_db()
    assert desk.visit.status == Status.SCHEDULED


def test_a_visit_is_cancelled_with_a_reason_only(desk) -> None:
    assert 'role="alert"' in desk.do("cancel", reason=" ")
    assert desk.events() == []

    page = desk.do("cancel", reason="Sold the house")

    assert "The visit is cancelled" in page
    assert "Sold the house" in page
    assert desk.url("cancel") not in page


def test_only_steps_that_may_follow_are_offered(desk) -> None:
    page = desk.page("step")
    assert 'value="dispatched"' in page
    assert 'value="completed"' not in page
    assert 'value="cancelled"' not in page

    assert "Dispatched" in desk.do("step", to="dispatched")
    assert 'role="alert"' in desk.do("step", to="completed")


def test_an_end_that_needs_a_reason_asks_for_it(desk) -> None:
    assert "needs a reason" in desk.do("step", to="no_show")

    assert "No show" in desk.do("step", to="no_show", reason="Nobody home")


def test_unassigning_leaves_a_visit_for_a_dispatcher(desk) -> None:
    page = desk.do("unassign", reason="Sick")

    assert "Unassigned" in page
    assert desk.url("unassign") not in page
    listed = desk.browser.get(
        reverse("admin:appointments_appointment_changelist"), {"needs": "technician"}
    )
    assert desk.visit.reference in listed.content.decode()


def test_notes_are_changed_by_the_service(desk) -> None:
    desk.do("notes", notes="Gate code 4711")

    assert "Gate code 4711" in desk.page()
    assert [name for name, _ in desk.events()] == ["appointment.updated"]


def test_the_history_says_who_did_it(desk) -> None:
    desk.do("step", to="en_route")

    ((_, who),) = desk.events()
    assert f"by {who}" in desk.page()


def test_what_has_ended_has_no_buttons(desk) -> None:
    desk.do("cancel", reason="No")
    desk.visit.refresh_from_db()

    page = desk.do("reschedule", starts_at="2027-03-03T08:00:00-07:00")

    assert "Reschedule is not possible now." in page
    assert "fb-buttons" not in page


def test_an_unknown_button_is_not_there(desk) -> None:
    assert desk.browser.get(desk.url("explode")).status_code == 404
    assert desk.browser.post(desk.url()).status_code == 405


def test_late_is_said_in_words(desk) -> None:
    make_appointment(technician=desk.technician, starts_at=local(TODAY, 5))

    listed = desk.browser.get(
        reverse("admin:appointments_appointment_changelist"), {"needs": "late"}
    )

    assert ">Late<" in listed.content.decode()

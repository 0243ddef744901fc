"""Rules set aside at a desk, and two visits swapped from the list."""

import pytest
from django.urls import reverse

from appointments.models import Appointment
from appointments.rules.slots import Override
from core.actors import Role
from core.models import Event
from tests.admin.desk import Desk, events_of
from tests.factories import (
    TOMORROW,
    local,
    make_appointment,
    make_property,
    make_service,
    make_skill,
    make_technician,
    make_zone,
)

VISIT = "appointments_appointment"
BOOK = "admin:appointments_appointment_book"
LIST = "admin:appointments_appointment_changelist"


@pytest.fixture
def maria(branch):
    make_zone("85004", location=branch)
    return make_technician(name="Maria Soto", location=branch)


@pytest.fixture
def diego(branch):
    return make_technician(name="Diego Parker", location=branch)


def visit_of(technician, hour: int, **given) -> Appointment:
    fields = {"service": make_service(notice_minutes=0)}
    return make_appointment(
        technician=technician,
        property=make_property(postal_code="85004"),
        starts_at=local(TOMORROW, hour),
        **fields | given,
    )


# --- Rules set aside -----------------------------------------------------------


def test_a_time_that_is_not_on_offer_is_booked_with_a_reason(
    desk, branch, maria
) -> None:
    service = make_service()
    place = make_property(postal_code="85004")
    address = f"{reverse(BOOK)}?property={place.pk}"
    form = {
        "service": service.code,
        "branch": branch.code,
        "at": "2027-03-02T09:07",
        "override": ["window"],
    }

    refused = desk.browser.post(address, form).content.decode()
    booked = desk.browser.post(address, form | {"reason": "School run"}, follow=True)

    assert "needs a reason" in refused
    visit = Appointment.objects.get()
    assert visit.window_starts_at == local(TOMORROW, 9, 7)
    page = booked.content.decode()
    assert "Set aside: window" in page
    assert "School run" in page


def test_without_any_time_one_is_asked_to_choose(desk, branch, maria) -> None:
    visit = visit_of(maria, 10)

    page = desk.press(VISIT, visit, "reschedule")

    assert "Choose a time." in page
    assert events_of("appointment", visit.pk) == []


def test_a_visit_is_moved_to_a_minute_that_is_not_on_offer(desk, maria) -> None:
    visit = visit_of(maria, 10)

    page = desk.press(
        VISIT,
        visit,
        "reschedule",
        at="2027-03-02T13:20",
        override=["window"],
        reason="After lunch",
    )

    visit.refresh_from_db()
    assert visit.starts_at == local(TOMORROW, 13, 20)
    assert "Set aside: window" in page


@pytest.mark.parametrize("at", ["soon", "2027-03-02T13:20Z", "2027-13-40T99:99"])
def test_what_is_no_time_of_the_branch_is_said(desk, maria, at) -> None:
    page = desk.press(VISIT, visit_of(maria, 10), "reschedule", at=at)

    assert "Enter a day and a time." in page


def test_the_office_may_send_somebody_from_another_zone(desk, maria, diego) -> None:
    visit = visit_of(maria, 10)
    diego.zones.add(make_zone("85005", location=diego.location))
    shown = desk.browser.get(
        reverse(f"admin:{VISIT}_action", args=[visit.pk, "assign"])
    )

    page = desk.press(
        VISIT,
        visit,
        "assign",
        technician=diego.pk,
        override=["zone"],
        reason="Nobody else is there",
    )

    assert str(diego.pk) in shown.content.decode()
    assert "Set aside: zone" in page
    assert visit.assignments.get().technician == diego


def test_only_an_admin_may_set_the_skill_aside(desk, admin, maria, diego) -> None:
    visit = visit_of(maria, 10, service=make_service(skills=[make_skill()]))
    url = reverse(f"admin:{VISIT}_action", args=[visit.pk, "assign"])
    fields = {
        "technician": diego.pk,
        "override": [Override.SKILL.value],
        "reason": "He knows how",
    }

    seen = [who.browser.get(url).content.decode() for who in (desk, admin)]
    refused = desk.press(VISIT, visit, "assign", **fields)
    assert visit.assignments.get().technician == maria
    admin.press(VISIT, visit, "assign", **fields)

    assert [str(diego.pk) in page for page in seen] == [False, True]
    assert "skill is not one of the available choices" in refused
    assert visit.assignments.get().technician == diego


# --- Two visits swapped ----------------------------------------------------------


def tick(desk: Desk, *visits: Appointment):
    return desk.browser.post(
        reverse(LIST),
        {"action": "swap_selected", "_selected_action": [one.pk for one in visits]},
        follow=True,
    )


def test_two_that_are_ticked_are_swapped(desk, maria, diego) -> None:
    first, second = visit_of(maria, 10), visit_of(diego, 12)

    asked = tick(desk, first, second)
    address = asked.redirect_chain[-1][0]
    done = desk.browser.post(
        address,
        {
            "exchange": "technicians",
            "reason": "Closer",
            "first_version": 1,
            "second_version": 1,
        },
        follow=True,
    )

    page = asked.content.decode()
    assert first.reference in page
    assert second.reference in page
    assert first.assignments.get().technician == diego
    assert second.assignments.get().technician == maria
    shown = done.content.decode()
    assert "The two visits are swapped." in shown
    assert "Swapped with V-" in shown


@pytest.mark.parametrize("count", [1, 3])
def test_it_takes_two(desk, maria, count) -> None:
    visits = [visit_of(maria, hour) for hour in (10, 12, 14)]

    page = tick(desk, *visits[:count]).content.decode()

    assert "Tick the two visits" in page


def test_a_swap_that_cannot_be_is_refused_with_the_reason(desk, maria, diego) -> None:
    first, second = visit_of(maria, 10), visit_of(diego, 12)
    visit_of(diego, 10)
    visit_of(diego, 11)
    form = {"exchange": "technicians", "first_version": 1, "second_version": 1}

    address = tick(desk, first, second).redirect_chain[-1][0]
    page = desk.browser.post(address, form).content.decode()

    assert 'role="alert"' in page
    assert not Event.objects.exists()


def test_what_a_colleague_changed_meanwhile_is_not_swapped_unseen(
    desk, maria, diego
) -> None:
    first, second = visit_of(maria, 10), visit_of(diego, 12, version=2)
    form = {"exchange": "technicians", "first_version": 1, "second_version": 1}

    address = tick(desk, first, second).redirect_chain[-1][0]
    page = desk.browser.post(address, form, follow=True).content.decode()

    assert "somebody else has changed this" in page
    assert first.assignments.get().technician == maria


def test_others_are_not_found_or_not_let_in(desk, sign_in, branch, maria) -> None:
    elsewhere = visit_of(make_technician(), 10)
    own = visit_of(maria, 10)
    address = reverse("admin:appointments_appointment_swap")
    query = f"?first={own.pk}&second={elsewhere.pk}"

    assert desk.browser.get(f"{address}{query}").status_code == 404
    assert desk.browser.get(address).status_code == 404
    viewer = sign_in(Role.VIEWER, branch)
    assert viewer.get(f"{address}?first={own.pk}&second={own.pk}").status_code == 403

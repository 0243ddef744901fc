"""Maintenance plans at a desk: what one sees, and what the buttons do."""

from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from appointments.models import MaintenancePlan, PlanOccurrence
from appointments.services import plans
from core.actors import Role
from technicians.models import WeeklyShift
from tests.admin.desk import Desk, events_of
from tests.appointments.conftest import make_company
from tests.appointments.planned import away, occurrence_of, plan_of
from tests.factories import (
    DAY,
    NOW,
    TODAY,
    make_customer,
    make_plan,
    make_property,
    make_season,
)

PLAN, OCCURRENCE = "appointments_maintenanceplan", "appointments_planoccurrence"
SPRING = {
    "key": "spring",
    "first": "03-01",
    "last": "4-30",
    "weekday": "1",
    "starts": "08:00",
}


@pytest.fixture
def company(db):
    return make_company()


@pytest.fixture
def desk(sign_in, company) -> Desk:
    return Desk(sign_in(Role.DISPATCHER, company.branch))


@pytest.fixture
def plan(company) -> MaintenancePlan:
    customer = make_customer(name="Ada Lovelace")
    return plan_of(company, property=make_property(customer=customer))


@pytest.fixture
def conflict(company, plan) -> PlanOccurrence:
    away(company, TODAY, TODAY + 70 * DAY)
    plans.generate(now=NOW)
    company.technician.time_offs.all().delete()
    return occurrence_of(plan)


def listed(desk, model=PLAN, **query) -> str:
    url = reverse(f"admin:{model}_changelist")
    return str(desk.browser.get(url, query).content.decode())


def rows(*filled: dict[str, str], initial: int) -> dict[str, object]:
    form: dict[str, object] = {
        "rows-TOTAL_FORMS": len(filled),
        "rows-INITIAL_FORMS": initial,
    }
    for n, row in enumerate(filled):
        form |= {f"rows-{n}-{name}": value for name, value in row.items()}
    return form


def test_the_list_shows_when_the_visits_are_best(desk, plan) -> None:
    page = listed(desk)

    assert "Ada Lovelace" in page
    assert "spring (Mar 1 to Apr 30, Tuesday, 08:00)" in page


def test_the_list_narrows_to_what_needs_attention(desk, company, conflict) -> None:
    other = make_property(customer=make_customer(name="Grace Hopper"))
    plan_of(company, property=other)

    page = listed(desk, needs="attention")

    assert "Ada Lovelace" in page
    assert "Conflict: time off" in page
    assert "Grace Hopper" not in page


def test_paused_plans_are_listed_where_one_asks_for_them(desk, plan) -> None:
    desk.press(PLAN, plan, "pause", reason="On holiday")

    assert "Ada Lovelace" not in listed(desk)
    assert "Ada Lovelace" in listed(desk, state="paused")
    assert "Ada Lovelace" in listed(desk, state="all")


def test_plans_of_other_branches_are_not_there(desk) -> None:
    plan = make_plan()

    page = reverse(f"admin:{PLAN}_change", args=[plan.pk])

    assert desk.browser.get(page).status_code == 404
    assert plan.reference not in listed(desk)


def test_a_list_costs_the_same_however_long(desk, company, plan) -> None:
    def cost() -> int:
        with CaptureQueriesContext(
            connection,
        ) as asked:
            listed(desk)
        return len(asked)

    listed(desk)
    one = cost()
    for _ in range(3):
        plan_of(company, property=make_property())

    assert cost() == one


def test_agrees_with_a_customer(desk, company) -> None:
    add = reverse(f"admin:{PLAN}_add") + f"?property={company.property.pk}"
    customer = company.property.customer
    assert add in desk.page("leads_customer", customer)
    assert customer.name in desk.browser.get(add).content.decode()

    page = desk.browser.post(
        add,
        {
            "service": company.service.code,
            "location": str(company.branch.pk),
            "tolerance": "same_time",
            "valid_until": "2029-12-31",
            **rows(SPRING, {}, initial=0),
        },
        follow=True,
    ).content.decode()

    made = MaintenancePlan.objects.get()
    assert "The plan runs" in page
    assert (made.tolerance, made.valid_until) == ("same_time", date(2029, 12, 31))
    assert made.seasons.get().rule == make_season()


def test_says_what_is_wrong_with_the_seasons(desk, company) -> None:
    add = reverse(f"admin:{PLAN}_add") + f"?property={company.property.pk}"
    form = {
        "service": company.service.code,
        "location": str(company.branch.pk),
        "tolerance": "any",
    }
    twice = rows(SPRING, SPRING | {"key": "late"}, initial=0)
    no_day = rows(SPRING | {"first": "02-30"}, initial=0)

    overlap = desk.browser.post(add, form | twice).content.decode()
    missing = desk.browser.post(add, form | no_day).content.decode()

    assert "must not overlap" in overlap
    assert "Give a day of the year" in missing
    assert not MaintenancePlan.objects.exists()


def test_a_plan_begins_with_an_address(desk) -> None:
    add = reverse(f"admin:{PLAN}_add")

    page = desk.browser.get(add, follow=True).content.decode()
    missing = desk.browser.get(add, {"property": "no-such"})

    assert "Choose the customer" in page
    assert missing.status_code == 404


def test_changes_a_plan(desk, company, plan) -> None:
    page = desk.press(
        PLAN,
        plan,
        "edit",
        technician=str(company.technician.pk),
        tolerance="exact",
        notes="Gate 7",
        **rows(SPRING | {"weekday": "", "starts": "10:00"}, initial=1),
    )

    assert "The plan is saved." in page
    assert "Any day, 10:00" in page.replace("any day", "Any day")
    plan.refresh_from_db()
    assert (plan.technician, plan.notes) == (company.technician, "Gate 7")


def test_pauses_resumes_and_ends(desk, plan) -> None:
    for slug in ("pause", "resume", "end"):
        desk.press(PLAN, plan, slug, reason="Asked to")
        plan.refresh_from_db()

    assert plan.state == "ended"
    assert events_of("plan", plan.pk) == ["plan.paused", "plan.resumed", "plan.ended"]
    assert "/do/" not in desk.page(PLAN, plan)


def test_the_page_shows_the_visit_of_each_period(desk, plan) -> None:
    plans.generate(now=NOW)

    page = desk.page(PLAN, plan)

    assert "2027-spring" in page
    assert "Tue, Mar 2, 2027, 8:00\N{EN DASH}10:00 AM MST" in page
    assert "Visit booked" in page


def test_a_conflict_shows_what_was_on_offer(desk, company) -> None:
    """The wish is for Sundays, and nobody works then."""
    WeeklyShift.objects.filter(technician=company.technician, weekday=6).delete()
    plan = plan_of(company, make_season(weekday=6), tolerance="exact")
    plans.generate(now=NOW)

    page = desk.page(OCCURRENCE, occurrence_of(plan))

    assert "Conflict: off shift" in page
    assert "Sat, Mar 6, 2027, 8:00 AM MST" in page
    assert "2027-spring: off shift" in desk.page(PLAN, plan)


def test_books_by_hand(desk, conflict) -> None:
    page = desk.press(
        OCCURRENCE, conflict, "book", starts_at="2027-03-04T10:00:00-07:00"
    )

    conflict.refresh_from_db()
    assert conflict.state == "booked"
    assert "Thu, Mar 4, 2027, 10:00 AM" in page


def test_tries_again(desk, conflict) -> None:
    desk.press(OCCURRENCE, conflict, "retry")

    conflict.refresh_from_db()
    assert conflict.state == "booked"


def test_skips_with_a_reason(desk, conflict) -> None:
    page = desk.press(OCCURRENCE, conflict, "skip", reason="Sold the house")

    assert "Skipped: by office" in page
    assert "Sold the house" in page


def test_a_viewer_has_no_buttons(sign_in, company, conflict) -> None:
    looking = Desk(sign_in(Role.VIEWER, company.branch))

    assert "/do/" not in looking.page(OCCURRENCE, conflict)
    assert "/do/" not in looking.page(PLAN, conflict.plan)
    assert "Conflict: time off" in listed(looking, OCCURRENCE, needs="attention")

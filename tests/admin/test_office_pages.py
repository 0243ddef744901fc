"""Leads, customers and technicians: each button calls one service."""

from datetime import date
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from core.actors import Role
from core.models import Event
from leads.models import Customer, LeadStatus
from technicians.models import Technician
from tests.factories import (
    DAY,
    HOUR,
    NOW,
    TODAY,
    make_appointment,
    make_customer,
    make_lead,
    make_location,
    make_property,
    make_skill,
    make_technician,
    make_time_off,
    make_zone,
)


@pytest.fixture
def branch(db):
    return make_location()


class Desk:
    """Sends a button's form, and returns the page that follows."""

    def __init__(self, browser: Client) -> None:
        self.browser = browser

    def __call__(self, model: str, thing: Any, slug: str, **fields: Any) -> str:
        url = reverse(f"admin:{model}_action", args=[thing.pk, slug])
        assert self.browser.get(url).status_code == 200
        form = {"version": thing.version} | fields
        return self.browser.post(url, form, follow=True).content.decode()


@pytest.fixture
def desk(sign_in, branch) -> Desk:
    return Desk(sign_in(Role.DISPATCHER, branch))


def names_of(thing_type: str, thing) -> list[str]:
    rows = Event.objects.of(thing_type, thing.pk)
    return list(rows.values_list("name", flat=True))


# --- Leads ---------------------------------------------------------------------


def test_a_lead_is_marked_contacted_and_dismissed(desk, branch) -> None:
    lead = make_lead(location=branch)

    page = desk("leads_lead", lead, "contacted")
    lead.refresh_from_db()
    assert "Contacted" in page
    assert lead.status == LeadStatus.CONTACTED

    page = desk("leads_lead", lead, "dismiss", reason="Wrong number")
    lead.refresh_from_db()
    assert lead.status == LeadStatus.DISMISSED
    assert "Wrong number" in page
    assert "Book a visit" not in page
    assert names_of("lead", lead) == ["lead.contacted", "lead.dismissed"]


def test_a_lead_is_dismissed_with_a_reason_only(desk, branch) -> None:
    lead = make_lead(location=branch)

    assert 'role="alert"' in desk("leads_lead", lead, "dismiss", reason="")
    assert names_of("lead", lead) == []


def test_a_lead_is_corrected(desk, branch) -> None:
    lead = make_lead(
        location=branch, phone_given="12", phone="", flags=["invalid_phone"]
    )
    form = {"name": "Ann Okafor", "phone_given": "602 555 0147", "postal_code": "85004"}

    desk("leads_lead", lead, "edit", location=str(branch.pk), **form)

    lead.refresh_from_db()
    assert (lead.name, lead.phone, lead.flags) == ("Ann Okafor", "+16025550147", [])


def test_a_stale_lead_form_changes_nothing(desk, branch) -> None:
    lead = make_lead(location=branch)
    desk("leads_lead", lead, "contacted")

    page = desk("leads_lead", lead, "dismiss", reason="No")

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

    page = desk(
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

    desk("leads_customer", customer, "edit", name="Ann", phones="602 555 0148")

    contacts = customer.contact_methods.values_list("value", flat=True)
    assert list(contacts) == ["+16025550148"]
    assert names_of("customer", customer) == ["customer.updated"]


def test_a_phone_of_somebody_else_is_refused(desk) -> None:
    make_customer(phone="+16025550147")
    customer = make_customer()

    page = desk("leads_customer", customer, "edit", name="Ann", phones="6025550147")

    assert "Another customer has this phone." in page


def test_a_customers_page_shows_visits_of_the_own_branches(desk, branch) -> None:
    place = make_property()
    own = make_appointment(location=branch, property=place)
    foreign = make_appointment(property=place)
    url = reverse("admin:leads_customer_change", args=[place.customer_id])

    page = desk.browser.get(url).content.decode()

    assert own.reference in page
    assert foreign.reference not in page


# --- Technicians ---------------------------------------------------------------


def test_a_technician_is_taken_on_and_changed(desk, branch) -> None:
    zone = make_zone("85004", location=branch)
    add = reverse("admin:technicians_technician_add")
    desk.browser.post(add, {"name": "Maria Soto", "location": str(branch.pk)})
    technician = Technician.objects.get()

    form = {"name": "Maria Soto-Ruiz", "location": str(branch.pk), "zones": [zone.pk]}
    page = desk("technicians_technician", technician, "edit", **form)

    assert "Maria Soto-Ruiz" in page
    assert list(technician.zones.all()) == [zone]
    assert names_of("technician", technician) == [
        "technician.created",
        "technician.updated",
    ]


def rows(*filled: dict[str, object], initial: int) -> dict[str, object]:
    """Return the fields of a form of rows."""
    form: dict[str, object] = {
        "rows-TOTAL_FORMS": len(filled),
        "rows-INITIAL_FORMS": initial,
    }
    for n, row in enumerate(filled):
        form |= {f"rows-{n}-{name}": value for name, value in row.items()}
    return form


def test_weekly_shifts_are_set_as_a_whole(desk, branch) -> None:
    technician = make_technician(location=branch)  # seven shifts
    kept = {
        "weekday": 0,
        "starts": "08:00",
        "ends": "17:00",
        "kind": "regular",
        "location": str(branch.pk),
    }
    night = kept | {"starts": "22:00", "ends": "06:00", "kind": "on_call"}
    gone = [kept | {"weekday": day, "DELETE": "on"} for day in range(1, 7)]

    page = desk(
        "technicians_technician",
        technician,
        "shifts",
        **rows(kept, *gone, night, {"location": str(branch.pk)}, initial=7),
    )

    assert "The shifts are saved." in page
    shifts = technician.weekly_shifts.order_by("starts").values_list("starts", "kind")
    assert [(f"{at:%H:%M}", kind) for at, kind in shifts] == [
        ("08:00", "regular"),
        ("22:00", "on_call"),
    ]


def test_a_shift_that_makes_no_sense_is_asked_again(desk, branch) -> None:
    technician = make_technician(location=branch, shift=None)
    wrong = {"weekday": 0, "starts": "08:00", "ends": "x", "kind": "regular"}

    desk("technicians_technician", technician, "shifts", **rows(wrong, initial=0))

    assert not technician.weekly_shifts.exists()


def test_skills_are_set_as_a_whole(desk, branch) -> None:
    old, new = make_skill(), make_skill(name="EPA 608")
    technician = make_technician(location=branch, skills=[old])

    page = desk(
        "technicians_technician",
        technician,
        "skills",
        **rows(
            {"skill": str(old.pk), "DELETE": "on"},
            {"skill": str(new.pk), "valid_until": "2027-12-31"},
            initial=1,
        ),
    )

    held = technician.technician_skills.get()
    assert (held.skill, held.valid_until) == (new, date(2027, 12, 31))
    assert "EPA 608 until Dec 31, 2027" in page


def test_time_off_is_by_the_branchs_clock_and_can_be_removed(desk, branch) -> None:
    technician = make_technician(location=branch)
    page = desk(
        "technicians_technician",
        technician,
        "time-off",
        starts_at="2027-03-02T08:00",
        ends_at="2027-03-02T12:00",
        reason="Dentist",
    )
    absence = technician.time_offs.get()
    assert "Tue, Mar 2, 2027, 8:00 AM MST until" in page

    desk("technicians_technician", technician, "remove", row=f"off:{absence.pk}")

    assert not technician.time_offs.exists()


@pytest.mark.parametrize("until", ["2027-03-02T07:00", "later"])
def test_an_absence_takes_time(until, desk, branch) -> None:
    technician = make_technician(location=branch)
    form = {"starts_at": "2027-03-02T08:00", "ends_at": until}

    page = desk("technicians_technician", technician, "time-off", **form)

    assert 'role="alert"' in page
    assert not technician.time_offs.exists()


@pytest.mark.parametrize(
    ("form", "listed"),
    [
        ({}, "2027-03-05 off"),
        ({"starts": "10:00", "ends": "14:00"}, "2027-03-05 10:00-14:00"),
    ],
)
def test_other_hours_hold_on_one_day(form, listed, desk, branch) -> None:
    technician = make_technician(location=branch)
    form |= {"date": "2027-03-05", "kind": "regular"}

    page = desk("technicians_technician", technician, "exception", **form)

    assert listed in page
    exception = technician.shift_exceptions.get()
    desk("technicians_technician", technician, "remove", row=f"day:{exception.pk}")
    assert not technician.shift_exceptions.exists()


def test_half_a_time_is_no_exception(desk, branch) -> None:
    technician = make_technician(location=branch)
    form = {"date": "2027-03-05", "kind": "regular", "starts": "10:00"}

    page = desk("technicians_technician", technician, "exception", **form)

    assert "Give both times" in page


def test_a_technician_is_deactivated_and_reactivated(desk, branch) -> None:
    technician = make_technician(location=branch)

    desk("technicians_technician", technician, "deactivate")
    technician.refresh_from_db()
    assert not technician.is_active

    desk("technicians_technician", technician, "reactivate")
    technician.refresh_from_db()
    assert technician.is_active


def test_a_technicians_pages_ask_as_often_for_much_as_for_little(desk, branch) -> None:
    technician = make_technician(location=branch, skills=[make_skill()])
    make_time_off(technician=technician, starts_at=NOW, ends_at=NOW + HOUR)
    pages = ["admin:technicians_technician_change"]

    def ask() -> list[int]:
        counts = []
        urls = [reverse(pages[0], args=[technician.pk])] + [
            reverse("admin:technicians_technician_action", args=[technician.pk, slug])
            for slug in ("shifts", "skills", "edit", "remove")
        ]
        for url in urls:
            with CaptureQueriesContext(connection) as asked:
                assert desk.browser.get(url).status_code == 200
            counts.append(len(asked))
        return counts

    few = ask()
    for n in range(1, 10):
        technician.technician_skills.create(skill=make_skill())
        technician.zones.add(make_zone(location=branch))
        technician.shift_exceptions.create(date=TODAY + n * DAY)
        make_time_off(
            technician=technician,
            starts_at=NOW + n * DAY,
            ends_at=NOW + n * DAY + HOUR,
        )

    assert ask() == few

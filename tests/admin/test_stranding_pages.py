"""Forms that would strand booked visits say so, and are stored if one insists (R13)."""

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from appointments.models import Appointment
from core.models import Holiday, OpeningHours
from technicians.models import TimeOff
from tests.admin.desk import Desk, events_of
from tests.factories import (
    TOMORROW,
    make_appointment,
    make_property,
    make_technician,
    make_zone,
)

BOX = 'name="unassign"'


@pytest.fixture
def zone(branch):
    return make_zone("85004", location=branch)


@pytest.fixture
def visit(branch, zone) -> Appointment:
    """Return a visit at nine tomorrow, of a technician who works in its zone only."""
    technician = make_technician(location=branch)
    technician.zones.add(zone)
    home = make_property(postal_code="85004")
    return make_appointment(technician=technician, property=home)


def technician_of(visit):
    return visit.assignments.get().technician


def is_unassigned(visit) -> bool:
    return not visit.assignments.exists()


def assert_asks(page: str, visit: Appointment) -> None:
    """Assert that the form is shown again, with the visit and a box to tick."""
    assert "1 booked visit could not be kept." in page
    assert visit.reference in page
    assert BOX in page
    assert not is_unassigned(visit)


TIME_OFF = {"starts_at": "2027-03-02T08:00", "ends_at": "2027-03-02T12:00"}
NO_ROWS = {"rows-TOTAL_FORMS": 0, "rows-INITIAL_FORMS": 0}


@pytest.mark.parametrize(
    ("slug", "fields"),
    [
        ("time-off", TIME_OFF),
        ("exception", {"date": "2027-03-02", "kind": "regular"}),
        ("deactivate", {}),
        ("shifts", NO_ROWS),
    ],
)
def test_a_technicians_button_asks_first(desk, visit, slug, fields) -> None:
    technician = technician_of(visit)

    page = desk.press("technicians_technician", technician, slug, **fields)
    assert_asks(page, visit)
    assert not events_of("technician", technician.pk)

    fields = fields | {"unassign": "on"}
    page = desk.press("technicians_technician", technician, slug, **fields)
    assert "could not be kept" not in page
    assert is_unassigned(visit)
    assert len(events_of("technician", technician.pk)) == 1


def test_other_zones_of_a_technician_ask_first(desk, visit, branch) -> None:
    technician = technician_of(visit)
    elsewhere = make_zone("85006", location=branch)
    fields = {"name": "Al", "location": branch.pk, "zones": [elsewhere.pk]}

    page = desk.press("technicians_technician", technician, "edit", **fields)
    assert_asks(page, visit)

    desk.press("technicians_technician", technician, "edit", unassign="on", **fields)
    assert is_unassigned(visit)
    assert list(technician.zones.all()) == [elsewhere]


def test_what_strands_nobody_shows_no_box(desk, branch) -> None:
    technician = make_technician(location=branch)

    page = desk.press("technicians_technician", technician, "time-off", **TIME_OFF)

    assert BOX not in page
    assert TimeOff.objects.count() == 1


def post(admin: Desk, url: str, form: dict) -> str:
    return admin.browser.post(url, form, follow=True).content.decode()


def test_a_holiday_asks_first(admin, visit, branch) -> None:
    url = reverse("admin:core_holiday_add")
    form = {"date": "2027-03-02", "name": "Picnic", "location": branch.pk}

    assert_asks(post(admin, url, form), visit)
    assert not Holiday.objects.exists()

    post(admin, url, form | {"unassign": "on"})
    assert Holiday.objects.get().date == TOMORROW
    assert is_unassigned(visit)


def test_a_holiday_is_moved_and_removed(admin, branch) -> None:
    day = Holiday.objects.create(location=branch, date=TOMORROW, name="Picnic")

    page = admin.press(
        "core_holiday", day, "edit", date="2027-03-05", name="Fair", location=""
    )
    assert "The holiday is saved." in page
    day.refresh_from_db()
    assert (day.date.day, day.name, day.location) == (5, "Fair", None)
    assert "All branches" in admin.page("core_holiday", day)

    admin.press("core_holiday", day, "remove")
    assert not Holiday.objects.exists()
    assert events_of("holiday", day.pk) == ["holiday.changed", "holiday.removed"]


def test_public_holidays_are_added_with_a_button(admin, visit, branch) -> None:
    branch.region = "TX"  # where the second of March is a holiday
    branch.save()
    url = reverse("admin:core_holiday_prefill")
    assert (
        url
        in admin.browser.get(reverse("admin:core_holiday_changelist")).content.decode()
    )
    form = {"year": 2027, "branches": [branch.pk]}

    assert_asks(post(admin, url, form), visit)

    page = post(admin, url, form | {"unassign": "on"})
    assert "The public holidays are listed." in page
    assert Holiday.objects.filter(location=branch, date=TOMORROW).exists()


def test_holidays_are_the_admins_to_add(desk) -> None:
    for name in ("add", "prefill"):
        answer = desk.browser.get(reverse(f"admin:core_holiday_{name}"))
        assert answer.status_code == 403


def test_other_zips_of_a_zone_ask_first(admin, visit, branch, zone) -> None:
    url = reverse("admin:core_zone_change", args=[zone.pk])
    form = {"location": branch.pk, "name": "North", "zip_codes": "85006"}

    assert_asks(post(admin, url, form), visit)
    assert zone.zips.get().postal_code == "85004"

    post(admin, url, form | {"unassign": "on"})
    assert zone.zips.get().postal_code == "85006"
    assert is_unassigned(visit)


def test_other_opening_hours_ask_first(admin, visit, branch) -> None:
    tuesday = branch.opening_hours.get(weekday=TOMORROW.weekday())
    others = branch.opening_hours.exclude(pk=tuesday.pk)
    others.delete()
    form = {
        "name": branch.name,
        "code": branch.code,
        "time_zone": "America/Phoenix",
        "is_active": "on",
        "opening_hours-TOTAL_FORMS": 1,
        "opening_hours-INITIAL_FORMS": 1,
        "opening_hours-0-id": tuesday.pk,
        "opening_hours-0-location": branch.pk,
        "opening_hours-0-weekday": 1,
        "opening_hours-0-opens": "12:00",
        "opening_hours-0-closes": "17:00",
        "holidays-TOTAL_FORMS": 0,
        "holidays-INITIAL_FORMS": 0,
        "zones-TOTAL_FORMS": 0,
        "zones-INITIAL_FORMS": 0,
    }
    url = reverse("admin:core_location_change", args=[branch.pk])

    page = post(admin, url, form)
    assert_asks(page, visit)
    assert OpeningHours.objects.get().opens.hour == 8
    assert 'value="12:00' in page  # what was typed is still there

    page = post(admin, url, form | {"unassign": "on"})
    assert "was changed successfully" in page
    assert OpeningHours.objects.get().opens.hour == 12
    assert is_unassigned(visit)


def test_another_clock_asks_first(admin, visit, branch) -> None:
    form = {
        "name": branch.name,
        "code": branch.code,
        "time_zone": "Pacific/Honolulu",
        "is_active": "on",
        **{
            f"{prefix}-{count}_FORMS": 0
            for prefix in ("opening_hours", "holidays", "zones")
            for count in ("TOTAL", "INITIAL")
        },
    }
    url = reverse("admin:core_location_change", args=[branch.pk])

    assert_asks(post(admin, url, form), visit)

    branch.refresh_from_db()
    assert branch.time_zone.key == "America/Phoenix"


def test_the_command_tells_of_visits_in_the_way(visit, branch, capsys) -> None:
    branch.region = "TX"
    branch.save()

    with pytest.raises(CommandError, match="Nothing is stored"):
        call_command("prefill_holidays", "2027")
    call_command("prefill_holidays", "2027", dry_run=True)
    assert capsys.readouterr().out.count(visit.reference) == 2
    assert not Holiday.objects.exists()

    call_command("prefill_holidays", "2027", branch=branch.code, unassign=True)
    assert "2027-03-02 Texas Independence Day" in capsys.readouterr().out
    assert is_unassigned(visit)


def test_the_command_knows_its_branches(branch) -> None:
    with pytest.raises(CommandError, match="no such branch"):
        call_command("prefill_holidays", branch="nowhere")

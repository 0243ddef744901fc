"""Technicians: each button calls one service that takes their lock."""

from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from technicians.models import Technician
from tests.admin.desk import events_of
from tests.factories import (
    DAY,
    HOUR,
    NOW,
    TODAY,
    make_skill,
    make_technician,
    make_time_off,
    make_zone,
)


def test_a_technician_is_taken_on_and_changed(desk, branch) -> None:
    zone = make_zone("85004", location=branch)
    add = reverse("admin:technicians_technician_add")
    desk.browser.post(add, {"name": "Maria Soto", "location": str(branch.pk)})
    technician = Technician.objects.get()

    form = {"name": "Maria Soto-Ruiz", "location": str(branch.pk), "zones": [zone.pk]}
    page = desk.press("technicians_technician", technician, "edit", **form)

    assert "Maria Soto-Ruiz" in page
    assert list(technician.zones.all()) == [zone]
    assert events_of("technician", technician.pk) == [
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

    page = desk.press(
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

    desk.press("technicians_technician", technician, "shifts", **rows(wrong, initial=0))

    assert not technician.weekly_shifts.exists()


def test_skills_are_set_as_a_whole(desk, branch) -> None:
    old, new = make_skill(), make_skill(name="EPA 608")
    technician = make_technician(location=branch, skills=[old])

    page = desk.press(
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
    page = desk.press(
        "technicians_technician",
        technician,
        "time-off",
        starts_at="2027-03-02T08:00",
        ends_at="2027-03-02T12:00",
        reason="Dentist",
    )
    absence = technician.time_offs.get()
    assert "Tue, Mar 2, 2027, 8:00 AM MST until" in page

    desk.press("technicians_technician", technician, "remove", row=f"off:{absence.pk}")

    assert not technician.time_offs.exists()


@pytest.mark.parametrize("until", ["2027-03-02T07:00", "later"])
def test_an_absence_takes_time(until, desk, branch) -> None:
    technician = make_technician(location=branch)
    form = {"starts_at": "2027-03-02T08:00", "ends_at": until}

    page = desk.press("technicians_technician", technician, "time-off", **form)

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

    page = desk.press("technicians_technician", technician, "exception", **form)

    assert listed in page
    exception = technician.shift_exceptions.get()
    desk.press(
        "technicians_technician", technician, "remove", row=f"day:{exception.pk}"
    )
    assert not technician.shift_exceptions.exists()


def test_half_a_time_is_no_exception(desk, branch) -> None:
    technician = make_technician(location=branch)
    form = {"date": "2027-03-05", "kind": "regular", "starts": "10:00"}

    page = desk.press("technicians_technician", technician, "exception", **form)

    assert "Give both times" in page


def test_a_technician_is_deactivated_and_reactivated(desk, branch) -> None:
    technician = make_technician(location=branch)

    desk.press("technicians_technician", technician, "deactivate")
    technician.refresh_from_db()
    assert not technician.is_active

    desk.press("technicians_technician", technician, "reactivate")
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

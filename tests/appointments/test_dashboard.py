"""The dashboard: true figures, from a number of queries that never grows."""

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine

from appointments.models import Appointment, Assignment
from appointments.rules.states import Status, Step
from appointments.selectors.dashboard import branch_figures
from core.actors import SYSTEM, Actor, Role
from core.models import Holiday, Location
from technicians.models import ShiftKind, Technician
from tests.factories import (
    DAY,
    HOUR,
    NOW,
    TODAY,
    TOMORROW,
    local,
    make_appointment,
    make_location,
    make_service,
    make_technician,
    make_time_off,
    make_user,
)

pytestmark = pytest.mark.django_db
NEW_YORK = ZoneInfo("America/New_York")


@pytest.fixture(autouse=True)
def _clock():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def admin(api_as):
    return api_as(make_user(Role.ADMIN))


def shown(client, query: str = "") -> list[dict]:
    answer = client.get(f"/api/v1/dashboard{query}")
    assert answer.status_code == 200, answer.json()
    branches: list[dict] = answer.json()["locations"]
    return branches


def test_a_day_tells_all_that_its_visits_say(admin) -> None:
    technician = make_technician(shift=(8, 16))
    branch = technician.location
    given: dict[str, Any] = {
        "location": branch,
        "starts_at": local(TODAY, 9),
        "price_cents": 100,
    }
    make_appointment(technician=technician, **given)
    make_appointment(**given)
    make_appointment(**given, status=Status.COMPLETED)
    make_appointment(**given | {"currency": "CAD"}, status=Status.ON_SITE)
    make_appointment(**given, status=Status.NO_SHOW)
    make_appointment(**given, status=Status.CANCELLED, cancellation_reason="Rain")

    (found,) = shown(admin)

    assert [day["date"] for day in found["days"]][::6] == ["2027-03-01", "2027-03-07"]
    assert found["days"][0] == {
        "date": "2027-03-01",
        "visits": 5,
        "statuses": {
            "scheduled": 2,
            "completed": 1,
            "on_site": 1,
            "no_show": 1,
            "cancelled": 1,
        },
        "unassigned": 2,
        "late": 0,
        "revenue": [
            {"currency": "CAD", "booked_cents": 100, "done_cents": 0},
            {"currency": "USD", "booked_cents": 300, "done_cents": 100},
        ],
        "planned_minutes": 60,
        "worked_minutes": 0,
        "shift_minutes": 480,
        "load_percent": 12,
    }
    assert found["days"][1]["visits"] == 0


def test_late_is_what_nobody_reached_within_its_window(admin) -> None:
    branch = make_location()
    for hour in (5, 6, 7):  # windows end at 7, 8 and 9
        make_appointment(location=branch, starts_at=local(TODAY, hour))
    make_appointment(
        location=branch, starts_at=local(TODAY, 5), status=Status.COMPLETED
    )
    make_appointment(location=branch, starts_at=local(TODAY, 5) - DAY)

    (found,) = shown(admin, "?date=2027-02-28&days=3")

    assert [day["late"] for day in found["days"]] == [1, 2, 0]


def test_shifts_offer_what_absences_holidays_and_on_call_leave() -> None:
    technician = make_technician(shift=(8, 16))
    branch = technician.location
    technician.weekly_shifts.filter(weekday=2).update(kind=ShiftKind.ON_CALL)
    make_technician(location=branch, is_active=False)
    for first, last in ((10, 12), (11, 13), (15, 20)):
        make_time_off(
            technician=technician,
            starts_at=local(TODAY, first),
            ends_at=local(TODAY, last),
        )
    Holiday.objects.create(location=branch, date=TOMORROW + 2 * DAY, name="Rest")

    (found,) = branch_figures(actor=SYSTEM, now=NOW, days=5)

    assert [day.shift_minutes for day in found.days] == [240, 480, 0, 0, 480]


def test_the_day_on_which_the_clock_moves_is_whole() -> None:
    technician = make_technician(
        location=make_location(time_zone=NEW_YORK), shift=(0, 12)
    )
    sunday = TODAY + timedelta(days=13)
    for hour in (0, 23):
        make_appointment(
            location=technician.location,
            starts_at=local(sunday, hour, zone=NEW_YORK),
        )

    (found,) = branch_figures(actor=SYSTEM, now=NOW, first_day=sunday, days=2)

    assert [day.visits for day in found.days] == [2, 0]
    assert [day.shift_minutes for day in found.days] == [660, 720]


def test_each_branch_begins_with_its_own_today(admin) -> None:
    make_location(name="A", time_zone=ZoneInfo("Pacific/Auckland"))
    make_location(name="B", time_zone=ZoneInfo("Pacific/Honolulu"))

    auckland, honolulu = shown(admin, "?days=1")

    assert auckland["days"][0]["date"] == "2027-03-02"
    assert honolulu["days"][0]["date"] == "2027-03-01"


@pytest.mark.parametrize("role", [Role.DISPATCHER, Role.VIEWER])
def test_staff_see_their_own_branches(api_as, role) -> None:
    mine, other = make_appointment().location, make_appointment().location
    client = api_as(make_user(role, locations=[mine]))

    found = shown(client)
    asked = client.get(f"/api/v1/dashboard?location={other.pk}")

    assert [branch["id"] for branch in found] == [str(mine.pk)]
    assert asked.status_code == 404
    assert shown(client, f"?location={mine.pk}") == found


def test_who_belongs_to_no_branch_sees_none(api_as) -> None:
    make_appointment()

    assert shown(api_as(make_user(Role.VIEWER))) == []


def test_closed_branches_are_shown_only_to_who_asks_for_them(admin) -> None:
    branch = make_location(is_active=False)

    assert shown(admin) == []
    assert shown(admin, f"?location={branch.pk}")[0]["code"] == branch.code


@pytest.mark.parametrize(
    "query", ["?days=0", "?days=32", "?date=1999-12-31", "?day=2027-03-01"]
)
def test_what_makes_no_sense_is_refused(admin, query) -> None:
    assert admin.get(f"/api/v1/dashboard{query}").status_code == 400


def test_a_dispatchers_sight_is_not_widened_by_asking() -> None:
    location = make_location()
    nobody = Actor(role=Role.DISPATCHER, label="D")

    assert branch_figures(actor=nobody, now=NOW, location_id=location.pk) == []


@pytest.mark.parametrize(("branches", "days"), [(1, 1), (1, 31), (6, 1), (6, 31)])
def test_the_queries_are_three_whatever_the_size(
    api_as, branches, days, django_assert_num_queries
) -> None:
    service = make_service()
    for _ in range(branches):
        technician = make_technician()
        for n in range(8):
            make_appointment(
                technician=technician,
                service=service,
                starts_at=local(TODAY, 4) + n * 12 * HOUR,
            )
    client = api_as(make_user(Role.ADMIN))
    shown(client)  # the process reads the roster once

    with django_assert_num_queries(3):  # who asks, the account, what is late
        found = shown(client, f"?days={days}")

    assert len(found) == branches
    assert {branch["days"][0]["visits"] for branch in found} == {2}
    assert {branch["days"][0]["late"] for branch in found} == {1}


def test_no_model_is_made_out_of_a_row(admin, monkeypatch) -> None:
    make_appointment(technician=make_technician())
    shown(admin)
    for model in (Appointment, Assignment, Location, Technician):
        monkeypatch.setattr(model, "from_db", None)

    (found,) = shown(admin)

    assert found["days"][1]["visits"] == 1


def test_worked_time_is_told_from_planned_time() -> None:
    technician = make_technician()
    done = make_appointment(technician=technician, starts_at=local(TODAY, 9))
    make_appointment(technician=technician, starts_at=local(TODAY, 12))
    done.assignments.update(status=Step.DONE, released_at=NOW)

    (found,) = branch_figures(actor=SYSTEM, now=NOW)

    day = found.days[0]
    assert (day.planned_minutes, day.worked_minutes) == (60, 60)
    assert (day.load.booked_minutes, day.load.shift_minutes) == (120, 540)

"""Holidays: over HTTP, and from the calendars of the states."""

from collections.abc import Iterator
from datetime import date

import pytest
import time_machine

from core.actors import SYSTEM, Role
from core.errors import NotFound
from core.ids import uuid7
from core.models import Event, Holiday
from core.services import missing_holidays, prefill_holidays
from tests.factories import (
    NOW,
    TODAY,
    TOMORROW,
    make_appointment,
    make_location,
    make_technician,
    make_user,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("_clock")]

PATH = "/api/v1/holidays"


@pytest.fixture
def _clock() -> Iterator[None]:
    with time_machine.travel(NOW, tick=True):
        yield


@pytest.fixture
def branch():
    return make_location(region="TX")


@pytest.fixture
def dispatcher(branch, api_as):
    return api_as(make_user(Role.DISPATCHER, locations=[branch]))


@pytest.fixture
def admin(api_as):
    return api_as(make_user(Role.ADMIN))


def close(client, location, **given):
    form = {
        "date": TOMORROW.isoformat(),
        "name": "Picnic",
        "location": location and str(location.pk),
    }
    return client.post(PATH, form | given, format="json")


def test_a_branch_is_closed_for_a_day(dispatcher, branch) -> None:
    answer = close(dispatcher, branch)

    assert answer.status_code == 201, answer.json()
    holiday = Holiday.objects.get()
    shown = {
        "id": str(holiday.pk),
        "date": "2027-03-02",
        "name": "Picnic",
        "location": str(branch.pk),
    }
    assert answer.json() == shown
    assert dispatcher.get(PATH).json()["results"] == [shown]
    event = Event.objects.get(name="holiday.added")
    assert (event.aggregate_id, event.location_id) == (holiday.pk, branch.pk)


def test_a_day_is_listed_once(dispatcher, branch) -> None:
    close(dispatcher, branch)

    answer = close(dispatcher, branch, name="Another")

    assert (answer.status_code, answer.json()["code"]) == (409, "holiday_listed")


def test_visits_booked_on_that_day_stand_in_the_way(dispatcher, branch) -> None:
    visit = make_appointment(technician=make_technician(location=branch))

    rehearsed = close(dispatcher, branch, dry_run=True)
    refused = close(dispatcher, branch)
    stored = close(dispatcher, branch, on_conflict="unassign")

    assert (refused.status_code, refused.json()["code"]) == (409, "conflicts")
    assert rehearsed.json()["conflicts"] == refused.json()["conflicts"]
    assert refused.json()["conflicts"][0]["reference"] == visit.reference
    assert stored.status_code == 201
    assert not visit.assignments.exists()


def test_the_whole_company_is_the_admins_to_close(dispatcher, admin) -> None:
    refused = close(dispatcher, None)
    answer = close(admin, None)

    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert answer.status_code == 201
    (shown,) = dispatcher.get(PATH).json()["results"]
    assert shown["location"] is None
    kept = dispatcher.delete(f"{PATH}/{shown['id']}")
    assert (kept.status_code, Holiday.objects.count()) == (403, 1)


def test_whose_day_it_is_must_be_said(admin) -> None:
    answer = admin.post(PATH, {"date": "2027-03-02", "name": "Picnic"}, format="json")

    assert answer.status_code == 400
    assert [one["pointer"] for one in answer.json()["errors"]] == ["/location"]


def test_a_branch_out_of_sight_is_not_there(dispatcher) -> None:
    answer = close(dispatcher, make_location())

    assert answer.status_code == 400
    assert not Holiday.objects.exists()


def test_a_holiday_is_taken_back(dispatcher, branch) -> None:
    pk = close(dispatcher, branch).json()["id"]

    answer = dispatcher.delete(f"{PATH}/{pk}")

    assert answer.status_code == 204
    assert not Holiday.objects.exists()
    assert Event.objects.filter(name="holiday.removed").count() == 1


def test_lists_are_narrowed(dispatcher, branch) -> None:
    for day in (TODAY, TOMORROW):
        Holiday.objects.create(location=branch, date=day, name="Picnic")

    answer = dispatcher.get(PATH, {"date_from": TOMORROW, "location": branch.pk})

    assert [one["date"] for one in answer.json()["results"]] == ["2027-03-02"]


def prefill(branch, **given):
    return prefill_holidays(
        location_ids=[branch.pk], years=[2027], actor=SYSTEM, now=NOW, **given
    )


def test_a_state_has_its_own_days_and_the_nations(branch) -> None:
    added = {holiday.date for holiday in prefill(branch)}

    assert date(2027, 3, 2) in added  # Texas Independence Day
    assert date(2027, 7, 4) in added
    assert date(2027, 1, 1) not in added  # over
    assert {holiday.location for holiday in Holiday.objects.all()} == {branch}


def test_an_unknown_state_has_the_nations_days() -> None:
    added = {holiday.date for holiday in prefill(make_location(region="Nowhere"))}

    assert date(2027, 7, 4) in added
    assert date(2027, 3, 2) not in added


def test_what_is_listed_stays_as_it_is(branch) -> None:
    Holiday.objects.create(location=branch, date=TOMORROW, name="Ours")
    Holiday.objects.create(location=None, date=date(2027, 7, 4), name="Everybody's")

    prefill(branch)
    again = prefill(branch)

    assert again == []
    assert Holiday.objects.get(date=TOMORROW).name == "Ours"
    assert Holiday.objects.filter(date=date(2027, 7, 4)).count() == 1
    assert missing_holidays(branch, years=[2027], now=NOW) == []


def test_a_branch_that_is_not_there_has_none() -> None:
    with pytest.raises(NotFound):
        prefill_holidays(location_ids=[uuid7()], years=[2027], actor=SYSTEM, now=NOW)

"""What the API answers to a change that would strand booked visits (R13)."""

from collections.abc import Iterator
from datetime import time
from typing import Any

import pytest
import time_machine

from core.models import Event
from tests.factories import (
    NOW,
    TOMORROW,
    local,
    make_appointment,
    make_skill,
    make_technician,
    make_zone,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("_clock")]


@pytest.fixture
def _clock() -> Iterator[None]:
    with time_machine.travel(NOW, tick=True):
        yield


@pytest.fixture
def technician(branch):
    return make_technician(location=branch)


@pytest.fixture
def visit(technician):
    """Return a visit of the technician's, tomorrow from nine to ten."""
    return make_appointment(technician=technician)


PATHS: dict[str, dict[str, Any]] = {
    "put shifts": {"shifts": []},
    "post exceptions": {"date": TOMORROW.isoformat()},
    "post time-off": {
        "starts_at": local(TOMORROW, 8).isoformat(),
        "ends_at": local(TOMORROW, 17).isoformat(),
    },
    "post deactivate": {},
    "put skills": {"skills": []},
    "patch ": {"zones": ["elsewhere"]},
}


@pytest.fixture
def bound(technician, visit):
    """Return the technician, whose visit asks for a skill and lies in a zone."""
    skill = make_skill()
    visit.service.skills.add(skill)
    technician.technician_skills.create(skill=skill)
    technician.zones.add(make_zone("85004", location=technician.location))
    return technician


def change(client, technician, name: str, **options):
    """Ask for one of the changes above, as the office would."""
    method, _, last = name.partition(" ")
    url = f"/api/v1/technicians/{technician.pk}/{last}".rstrip("/")
    form = dict(PATHS[name])
    if "zones" in form:
        form["zones"] = [str(make_zone(location=technician.location).pk)]
    send = getattr(client, method)
    return send(url, form | options, format="json", HTTP_IF_MATCH="*")


@pytest.mark.parametrize("name", PATHS)
def test_each_change_is_refused_rehearsed_and_insisted_on(
    dispatcher, bound, visit, name
) -> None:
    refused = change(dispatcher, bound, name)
    assert (refused.status_code, refused.json()["code"]) == (409, "conflicts")

    rehearsed = change(dispatcher, bound, name, dry_run=True)
    assert rehearsed.status_code == 200
    assert rehearsed.json()["conflicts"] == refused.json()["conflicts"]
    assert not Event.objects.exists()
    assert visit.assignments.exists()

    stored = change(dispatcher, bound, name, on_conflict="unassign")
    assert stored.status_code in {200, 201}
    assert "conflicts" not in stored.json()
    assert not visit.assignments.exists()


def test_extra_hours_taken_back_ask_in_the_query(dispatcher, technician, visit) -> None:
    technician.weekly_shifts.all().delete()
    hours = technician.shift_exceptions.create(
        date=TOMORROW, location=technician.location, starts=time(8), ends=time(12)
    )
    url = f"/api/v1/technicians/{technician.pk}/exceptions/{hours.pk}"

    assert dispatcher.delete(url).json()["code"] == "conflicts"
    assert dispatcher.delete(f"{url}?dry_run=true").json()["total"] == 1
    assert dispatcher.delete(f"{url}?dry_run=perhaps").status_code == 400
    assert technician.shift_exceptions.exists()
    assert dispatcher.delete(f"{url}?on_conflict=unassign").status_code == 204
    assert not visit.assignments.exists()


def test_a_rehearsal_is_answered_once_per_key(dispatcher, technician, visit) -> None:
    first = dispatcher.post(
        f"/api/v1/technicians/{technician.pk}/deactivate",
        {"dry_run": True},
        format="json",
        HTTP_IDEMPOTENCY_KEY="one",
    )
    again = dispatcher.post(
        f"/api/v1/technicians/{technician.pk}/deactivate",
        {"dry_run": True},
        format="json",
        HTTP_IDEMPOTENCY_KEY="one",
    )

    assert (first.status_code, again.json()) == (200, first.json())
    assert again["Idempotent-Replayed"] == "true"
    technician.refresh_from_db()
    assert technician.is_active


def ask_for_tomorrow_off(dispatcher, technician, **given):
    form = {
        "starts_at": local(TOMORROW, 8).isoformat(),
        "ends_at": local(TOMORROW, 17).isoformat(),
    }
    return dispatcher.post(
        f"/api/v1/technicians/{technician.pk}/time-off", form | given, format="json"
    )


def test_the_list_comes_with_a_409(dispatcher, technician, visit) -> None:
    answer = ask_for_tomorrow_off(dispatcher, technician)

    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (409, "conflicts")
    assert problem["total"] == 1
    assert problem["conflicts"] == [
        {
            "id": str(visit.pk),
            "reference": visit.reference,
            "starts_at": "2027-03-02T09:00:00-07:00",
            "time_zone": "America/Phoenix",
            "technician": str(technician.pk),
            "reason": "time_off",
        }
    ]
    assert not technician.time_offs.exists()


def test_a_dry_run_answers_the_list_and_stores_nothing(
    dispatcher, technician, visit
) -> None:
    answer = ask_for_tomorrow_off(dispatcher, technician, dry_run=True)

    assert answer.status_code == 200
    assert [one["id"] for one in answer.json()["conflicts"]] == [str(visit.pk)]
    assert not technician.time_offs.exists()


def test_unassigning_stores_it(dispatcher, technician, visit) -> None:
    answer = ask_for_tomorrow_off(dispatcher, technician, on_conflict="unassign")

    assert answer.status_code == 201
    assert technician.time_offs.count() == 1
    assert not visit.assignments.exists()


@pytest.mark.parametrize(
    "wrong", [{"on_conflict": "ignore"}, {"on_conflict": None}, {"dry_run": "perhaps"}]
)
def test_what_it_does_not_know_is_refused(dispatcher, technician, wrong) -> None:
    answer = ask_for_tomorrow_off(dispatcher, technician, **wrong)

    assert answer.status_code == 400
    assert [one["pointer"] for one in answer.json()["errors"]] == [
        f"/{next(iter(wrong))}"
    ]

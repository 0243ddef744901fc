"""What the API answers to a change that would strand booked visits (R13)."""

from collections.abc import Iterator

import pytest
import time_machine

from tests.factories import NOW, TOMORROW, local, make_appointment, make_technician

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

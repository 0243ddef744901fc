"""Shifts, exceptions and time-off over HTTP."""

import pytest

from tests.factories import (
    DAY,
    HOUR,
    NOW,
    make_location,
    make_technician,
    make_time_off,
)

pytestmark = pytest.mark.django_db


def path(technician, *rest: object) -> str:
    return "/".join(["/api/v1/technicians", str(technician.pk), *map(str, rest)])


def shift(location, **given) -> dict[str, object]:
    fields = {
        "location": str(location.pk),
        "weekday": 0,
        "starts": "08:00:00",
        "ends": "17:00:00",
    }
    return fields | given


def put_shifts(client, technician, *shifts, **headers):
    return client.put(
        path(technician, "shifts"), {"shifts": shifts}, format="json", headers=headers
    )


def pointers(answer) -> list[str]:
    assert answer.status_code == 400, answer.json()
    return [error["pointer"] for error in answer.json()["errors"]]


def test_weekly_shifts_are_replaced_and_shown(dispatcher, technician, branch) -> None:
    put_shifts(dispatcher, technician, shift(branch, weekday=4))

    answer = put_shifts(dispatcher, technician, shift(branch, valid_from="2027-01-01"))

    assert answer.status_code == 200, answer.json()
    assert answer["ETag"] == '"3"'
    shown = dispatcher.get(path(technician, "shifts"))
    assert shown["ETag"] == '"3"'
    assert shown.json() == {
        "shifts": [
            {
                "location": str(branch.pk),
                "weekday": 0,
                "starts": "08:00:00",
                "ends": "17:00:00",
                "kind": "regular",
                "valid_from": "2027-01-01",
                "valid_until": None,
            }
        ]
    }


def test_stale_shifts_are_refused(dispatcher, technician, branch) -> None:
    put_shifts(dispatcher, technician, shift(branch))

    answer = put_shifts(dispatcher, technician, **{"If-Match": '"1"'})

    assert answer.status_code == 412
    assert len(answer.json()["current"]["shifts"]) == 1
    assert technician.weekly_shifts.count() == 1


def test_the_same_shift_twice_is_refused(dispatcher, technician, branch) -> None:
    answer = put_shifts(dispatcher, technician, shift(branch), shift(branch))

    assert (answer.status_code, answer.json()["code"]) == (422, "shift_listed_twice")


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        ({"weekday": 7}, "/shifts/0/weekday"),
        ({"starts": "25:00"}, "/shifts/0/starts"),
        ({"kind": "lazy"}, "/shifts/0/kind"),
        (
            {"valid_from": "2027-02-01", "valid_until": "2027-01-01"},
            "/shifts/0/valid_until",
        ),
    ],
)
def test_shifts_with_faults_are_refused(
    dispatcher, technician, branch, given, pointer
) -> None:
    answer = put_shifts(dispatcher, technician, shift(branch, **given))

    assert pointers(answer) == [pointer]


def test_shifts_are_at_branches_within_ones_sight(dispatcher, technician) -> None:
    answer = put_shifts(dispatcher, technician, shift(make_location()))

    assert pointers(answer) == ["/shifts"]


def add_exception(client, technician, **given):
    body = {"date": "2027-03-02"} | given
    return client.post(path(technician, "exceptions"), body, format="json")


def test_a_day_off_is_added_listed_and_removed(dispatcher, technician) -> None:
    added = add_exception(dispatcher, technician, reason="Training")

    assert added.status_code == 201, added.json()
    exception = added.json()
    assert (exception["starts"], exception["reason"]) == (None, "Training")
    listed = dispatcher.get(path(technician, "exceptions"))
    assert listed.json()["results"] == [exception]

    removed = dispatcher.delete(path(technician, "exceptions", exception["id"]))
    assert removed.status_code == 204
    assert not technician.shift_exceptions.exists()


def test_other_hours_are_whole_or_none(dispatcher, technician, branch) -> None:
    whole = {"location": str(branch.pk), "starts": "10:00", "ends": "14:00"}

    assert add_exception(dispatcher, technician, **whole).status_code == 201
    for missing in whole:
        rest = {name: value for name, value in whole.items() if name != missing}
        assert pointers(add_exception(dispatcher, technician, **rest)) == [""]


def test_the_same_exception_twice_is_a_conflict(dispatcher, technician) -> None:
    add_exception(dispatcher, technician)

    answer = add_exception(dispatcher, technician)

    assert answer.status_code == 409
    assert answer.json()["code"] == "shift_exception_listed"


def test_exceptions_are_narrowed_to_days(dispatcher, technician) -> None:
    for day in ("2027-03-01", "2027-03-02", "2027-03-03"):
        add_exception(dispatcher, technician, date=day)

    answer = dispatcher.get(
        path(technician, "exceptions"),
        {"date_from": "2027-03-02", "date_to": "2027-03-02"},
    )

    assert [row["date"] for row in answer.json()["results"]] == ["2027-03-02"]


def add_time_off(client, technician, **given):
    body = {"starts_at": "2027-03-02T08:00", "ends_at": "2027-03-02T12:00"} | given
    return client.post(path(technician, "time-off"), body, format="json")


def test_time_off_is_added_listed_and_removed(dispatcher, technician) -> None:
    added = add_time_off(dispatcher, technician, reason="Dentist")

    assert added.status_code == 201, added.json()
    absence = added.json()
    assert absence["starts_at"] == "2027-03-02T08:00:00-07:00"
    assert absence["time_zone"] == "America/Phoenix"
    listed = dispatcher.get(path(technician, "time-off"))
    assert listed.json()["results"] == [absence]

    removed = dispatcher.delete(path(technician, "time-off", absence["id"]))
    assert removed.status_code == 204
    assert not technician.time_offs.exists()


def test_time_off_with_an_offset_is_that_instant(dispatcher, technician) -> None:
    answer = add_time_off(dispatcher, technician, starts_at="2027-03-02T12:00:00Z")

    assert answer.json()["starts_at"] == "2027-03-02T05:00:00-07:00"


def test_time_off_that_ends_before_it_starts_is_refused(dispatcher, technician) -> None:
    answer = add_time_off(dispatcher, technician, ends_at="2027-03-02T08:00")

    assert (answer.status_code, answer.json()["code"]) == (422, "ends_before_start")


def test_a_skipped_wall_time_is_refused(dispatcher, technician, branch) -> None:
    branch.time_zone = "America/New_York"
    branch.save()

    answer = add_time_off(
        dispatcher,
        technician,
        starts_at="2027-03-14T02:30",
        ends_at="2027-03-14T12:00",
    )

    assert answer.status_code == 422
    assert answer.json()["code"] == "nonexistent_local_time"


def test_time_off_is_narrowed_to_a_span(dispatcher, technician) -> None:
    for days in range(3):
        start = NOW + days * DAY
        make_time_off(technician=technician, starts_at=start, ends_at=start + HOUR)

    answer = dispatcher.get(
        path(technician, "time-off"),
        {
            "ends_after": (NOW + HOUR).isoformat(),
            "starts_before": (NOW + 2 * DAY).isoformat(),
        },
    )

    (absence,) = answer.json()["results"]
    assert absence["starts_at"] == "2027-03-02T08:00:00-07:00"


@pytest.mark.parametrize("what", ["shifts", "exceptions", "time-off"])
def test_a_technician_of_another_branch_is_not_there(dispatcher, what) -> None:
    assert dispatcher.get(path(make_technician(), what)).status_code == 404


@pytest.mark.parametrize(
    ("what", "queries"), [("shifts", 3), ("exceptions", 3), ("time-off", 3)]
)
def test_a_list_costs_the_same_however_long(
    dispatcher, technician, branch, what, queries, django_assert_num_queries
) -> None:
    def add(day: int) -> None:
        start = NOW + day * DAY
        make_time_off(technician=technician, starts_at=start, ends_at=start + HOUR)
        add_exception(dispatcher, technician, date=f"2027-03-0{day + 1}")

    def ask() -> None:
        with django_assert_num_queries(queries):  # who asks, the technician, the rows
            assert dispatcher.get(path(technician, what)).status_code == 200

    add(0)
    put_shifts(dispatcher, technician, shift(branch))
    ask()
    for day in range(1, 4):
        add(day)
    put_shifts(dispatcher, technician, *(shift(branch, weekday=n) for n in range(5)))
    ask()

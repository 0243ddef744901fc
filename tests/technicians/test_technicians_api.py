"""Technicians and skills over HTTP."""

from datetime import date

import pytest

from core.actors import Role
from technicians.models import Technician
from tests.factories import (
    make_location,
    make_skill,
    make_technician,
    make_user,
    make_zone,
)

URL = "/api/v1/technicians"

pytestmark = pytest.mark.django_db


def listed(client, **query) -> list[str]:
    answer = client.get(URL, query)
    assert answer.status_code == 200, answer.json()
    return [technician["name"] for technician in answer.json()["results"]]


def take_on(client, branch, **given):
    body = {"name": "Al", "location": str(branch.pk)} | given
    return client.post(URL, body, format="json")


def change(client, technician, **given):
    return client.patch(f"{URL}/{technician.pk}", given, format="json")


def pointers(answer) -> list[str]:
    assert answer.status_code == 400, answer.json()
    return [error["pointer"] for error in answer.json()["errors"]]


def test_somebody_is_taken_on(dispatcher, branch) -> None:
    zone = make_zone(location=branch)
    worker = make_user(Role.TECHNICIAN)

    answer = take_on(
        dispatcher,
        branch,
        phone="602 555 0142",
        email="Al@Example.com",
        user=str(worker.pk),
        home_latitude=33.5,
        home_longitude=-112,
        zones=[str(zone.pk)],
    )

    assert answer.status_code == 201, answer.json()
    assert answer["ETag"] == '"1"'
    body = answer.json()
    assert (body["phone"], body["email"]) == ("+16025550142", "al@example.com")
    assert body["zones"] == [str(zone.pk)]
    assert body["user"] == str(worker.pk)
    assert body["skills"] == []
    assert body["is_active"] is True


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        ({"phone": "call me"}, "/phone"),
        ({"email": "at home"}, "/email"),
        ({"home_latitude": 33}, ""),
        ({"home_latitude": 33, "home_longitude": None}, ""),
        ({"home_latitude": 91, "home_longitude": 0}, "/home_latitude"),
        ({"location": "01890a5d-ac96-774b-bcce-b302099a8057"}, "/location"),
        ({"zones": ["01890a5d-ac96-774b-bcce-b302099a8057"]}, "/zones"),
        ({"user": "01890a5d-ac96-774b-bcce-b302099a8057"}, "/user"),
        ({"is_active": False}, "/is_active"),
    ],
)
def test_forms_with_faults_are_refused(dispatcher, branch, given, pointer) -> None:
    assert pointers(take_on(dispatcher, branch, **given)) == [pointer]
    assert not Technician.objects.exists()


def test_branches_and_zones_lie_within_ones_sight(dispatcher, branch) -> None:
    elsewhere = make_location()
    zone = make_zone(location=elsewhere)

    assert pointers(take_on(dispatcher, elsewhere)) == ["/location"]
    assert pointers(take_on(dispatcher, branch, zones=[str(zone.pk)])) == ["/zones"]


def test_only_a_technicians_account_is_a_technicians(dispatcher, branch) -> None:
    viewer = make_user(Role.VIEWER)

    assert pointers(take_on(dispatcher, branch, user=str(viewer.pk))) == ["/user"]


def test_an_account_that_is_taken_is_a_conflict(dispatcher, branch) -> None:
    worker = make_user(Role.TECHNICIAN)
    make_technician(user=worker)

    answer = take_on(dispatcher, branch, user=str(worker.pk))

    assert (answer.status_code, answer.json()["code"]) == (409, "user_taken")


def test_null_clears_and_what_is_left_out_stays(dispatcher, technician) -> None:
    worker = make_user(Role.TECHNICIAN)
    change(dispatcher, technician, user=str(worker.pk))
    change(dispatcher, technician, home_latitude=33, home_longitude=-112)

    change(dispatcher, technician, user=None)
    body = change(
        dispatcher, technician, home_latitude=None, home_longitude=None
    ).json()

    assert (body["user"], body["home_latitude"]) == (None, None)
    assert body["name"] == technician.name


def test_a_stale_change_is_answered_with_the_technician_as_it_is(
    dispatcher, technician
) -> None:
    change(dispatcher, technician, name="Al")

    answer = dispatcher.patch(
        f"{URL}/{technician.pk}",
        {"name": "Bo"},
        format="json",
        headers={"If-Match": '"1"'},
    )

    assert answer.status_code == 412
    assert answer.json()["current"]["name"] == "Al"


def test_whoever_moves_a_technician_out_of_sight_sees_it_done(
    branch, technician, api_as
) -> None:
    there = make_location()
    both = api_as(make_user(Role.DISPATCHER, locations=[branch, there]))

    answer = change(both, technician, location=str(there.pk))

    assert answer.status_code == 200
    assert answer.json()["location"] == str(there.pk)


def test_a_technician_is_deactivated_and_comes_back(dispatcher, technician) -> None:
    gone = dispatcher.post(f"{URL}/{technician.pk}/deactivate")
    back = dispatcher.post(f"{URL}/{technician.pk}/reactivate")

    assert gone.json()["is_active"] is False
    assert back.json()["is_active"] is True


def test_skills_are_replaced(dispatcher, technician) -> None:
    make_skill(code="gas", name="Gas")
    make_skill(code="oil", name="Oil")
    path = f"{URL}/{technician.pk}/skills"

    dispatcher.put(path, {"skills": [{"skill": "oil"}]}, format="json")
    answer = dispatcher.put(
        path,
        {"skills": [{"skill": "gas", "valid_until": "2027-06-30"}]},
        format="json",
    )

    assert answer.status_code == 200, answer.json()
    assert answer.json()["skills"] == [
        {"code": "gas", "name": "Gas", "valid_until": "2027-06-30"}
    ]


def test_a_skill_that_nobody_knows_is_refused(dispatcher, technician) -> None:
    answer = dispatcher.put(
        f"{URL}/{technician.pk}/skills", {"skills": [{"skill": "x"}]}, format="json"
    )

    assert pointers(answer) == ["/skills"]


def test_skills_are_listed(dispatcher) -> None:
    make_skill(code="oil", name="Oil")
    make_skill(code="gas", name="Gas")

    answer = dispatcher.get("/api/v1/skills")

    assert [skill["code"] for skill in answer.json()["results"]] == ["gas", "oil"]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({}, ["Al", "Bo", "Cy"]),
        ({"skill": "gas"}, ["Bo"]),
        ({"is_active": "false"}, ["Cy"]),
        ({"search": "B"}, ["Bo"]),
    ],
)
def test_lists_are_narrowed_by(dispatcher, branch, query, names) -> None:
    make_technician(location=branch, name="Al")
    make_technician(location=branch, name="Bo", skills=[make_skill(code="gas")])
    make_technician(location=branch, name="Cy", is_active=False)
    make_technician(name="Elsewhere")

    assert listed(dispatcher, **query) == names


def test_lists_are_narrowed_by_branch(branch, technician, api_as) -> None:
    make_technician()
    admin = api_as(make_user(Role.ADMIN))

    assert listed(admin, location=str(branch.pk)) == [technician.name]


def test_a_technician_sees_himself(branch, technician, api_as) -> None:
    worker = make_user(Role.TECHNICIAN, locations=[branch])
    own = make_technician(location=branch, user=worker, name="Own")

    client = api_as(worker)

    assert listed(client) == ["Own"]
    assert client.get(f"{URL}/{own.pk}").status_code == 200
    assert client.get(f"{URL}/{technician.pk}").status_code == 404


def test_a_list_costs_the_same_however_long(
    dispatcher, branch, django_assert_num_queries
) -> None:
    def add() -> None:
        one = make_technician(location=branch, skills=[make_skill(), make_skill()])
        one.zones.add(make_zone(location=branch))

    def ask() -> None:
        # Who asks, the technicians, their skills, their zones.
        with django_assert_num_queries(4):
            assert dispatcher.get(URL).status_code == 200

    add()
    ask()
    for _ in range(5):
        add()
    ask()


def test_a_certificate_shows_its_last_day(dispatcher, technician) -> None:
    technician.technician_skills.create(
        skill=make_skill(code="gas"), valid_until=date(2027, 6, 30)
    )

    body = dispatcher.get(f"{URL}/{technician.pk}").json()

    assert [skill["valid_until"] for skill in body["skills"]] == ["2027-06-30"]

"""Branches over HTTP: open ones for visitors, one's own for staff."""

import pytest

from core.actors import Role
from tests.factories import make_location, make_user

pytestmark = pytest.mark.django_db

URL = "/api/v1/locations"


def codes(client) -> list[str]:
    return [row["code"] for row in client.get(URL).json()["results"]]


def test_a_visitor_sees_the_branches_that_are_open(api) -> None:
    make_location(code="tucson", name="Tucson")
    make_location(code="phoenix", name="Phoenix")
    make_location(code="closed", name="Closed", is_active=False)

    assert codes(api) == ["phoenix", "tucson"]


def test_a_branch_tells_its_zone_and_hours(api) -> None:
    location = make_location(open_hours=(8, 18))

    body = api.get(f"{URL}/{location.pk}").json()

    assert body["time_zone"] == "America/Phoenix"
    assert len(body["opening_hours"]) == 7
    assert body["opening_hours"][0] == {
        "weekday": 0,
        "opens": "08:00:00",
        "closes": "18:00:00",
    }


def test_staff_see_their_own_branches_and_the_admin_all(api_as) -> None:
    own = make_location(code="own")
    make_location(code="other")
    dispatcher = make_user(Role.DISPATCHER, locations=[own])

    assert codes(api_as(dispatcher)) == ["own"]
    assert set(codes(api_as(make_user(Role.ADMIN)))) == {"own", "other"}


def test_a_branch_out_of_sight_is_not_found(api, api_as) -> None:
    closed = make_location(is_active=False)
    staff = api_as(make_user(Role.DISPATCHER, locations=[make_location()]))

    hidden = [api.get(f"{URL}/{closed.pk}"), staff.get(f"{URL}/{closed.pk}")]
    missing = api.get(f"{URL}/00000000-0000-7000-8000-000000000000")

    assert [r.status_code for r in hidden] == [404, 404]
    bodies = [{**r.json(), "request_id": ""} for r in [*hidden, missing]]
    assert bodies[0] == bodies[1] == bodies[2]


@pytest.mark.parametrize("count", [1, 20])
def test_the_list_costs_two_queries(api, django_assert_num_queries, count) -> None:
    for _ in range(count):
        make_location()

    with django_assert_num_queries(2):
        api.get(URL)

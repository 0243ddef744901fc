"""The list of visits, made by hand, against the same list made by the ORM."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.db.models import Q

from appointments.api.serializers import AppointmentOutput
from appointments.models import Appointment, Assignment
from appointments.models.services import BookingMode
from appointments.rules.states import Status, Step
from appointments.selectors.visits import visits_with_people
from core.actors import Actor, Role
from tests.factories import (
    HOUR,
    MINUTE,
    make_appointment,
    make_assignment,
    make_customer,
    make_lead,
    make_location,
    make_property,
    make_service,
    make_technician,
    make_user,
)

pytestmark = pytest.mark.django_db

LIST = "/api/v1/appointments"
ZONES = ["America/Phoenix", "America/New_York", "Europe/London", "Pacific/Auckland"]
# The night in which New York's clocks go back, and one hour comes twice.
SHORT_OF_DST = datetime(2027, 11, 7, 4, tzinfo=UTC)


@pytest.fixture
def visits() -> list[Appointment]:
    """Make visits of all sorts: unassigned, of two, declined, cancelled, at night."""
    dice = random.Random(8)  # noqa: S311  # of a test
    branches = [make_location(time_zone=ZoneInfo(zone)) for zone in ZONES]
    crews = {b.pk: [make_technician(location=b) for _ in range(3)] for b in branches}
    services = [
        make_service(),
        make_service(booking_mode=BookingMode.EXACT, window_minutes=15),
    ]
    made = [_visit(dice, n, branches, services) for n in range(40)]
    for visit in made:
        _send(dice, visit, crews[visit.location_id])
    return made


def _visit(dice, number, branches, services) -> Appointment:
    starts_at = SHORT_OF_DST + MINUTE * 15 * dice.randrange(16)
    cancelled = dice.random() < 0.2
    return make_appointment(
        location=dice.choice(branches),
        service=dice.choice(services),
        property=make_property(
            customer=make_customer(name='Zoë \N{SNOWMAN} "O\'Neil"'),
            **({"latitude": 33.5, "longitude": -112.25} if number % 2 else {}),
        ),
        lead=make_lead() if dice.random() < 0.3 else None,
        starts_at=starts_at + timedelta(seconds=dice.choice([0, 0, 0.25])),
        ends_at=starts_at + HOUR,
        status=Status.CANCELLED if cancelled else dice.choice(list(Status)[2:8]),
        cancellation_reason="Ill\n100 %" if cancelled else "",
        notes=dice.choice(["", "Dog. </script>\u2028"]),
    )


def _send(dice, visit: Appointment, crew) -> None:
    for number, technician in enumerate(dice.sample(crew, dice.randrange(3))):
        declined = dice.random() < 0.3
        make_assignment(
            appointment=visit,
            technician=technician,
            is_lead=number == 0 and not declined,
            status=Step.DECLINED if declined else Step.ASSIGNED,
            released_at=visit.starts_at,  # they may overlap here
        )


def all_pages(client, **query) -> list[dict[str, Any]]:
    found, query = [], {"limit": 7, **query}
    answer = client.get(LIST, query).json()
    found += answer["results"]
    while answer["next"]:
        answer = client.get(answer["next"]).json()
        found += answer["results"]
    return found


def by_the_orm(visits) -> list[dict[str, Any]]:
    ordered = visits.order_by("starts_at", "id")
    return [AppointmentOutput(visit).data for visit in ordered]


def everything():
    return visits_with_people(actor=Actor(role=Role.ADMIN, label="", location_ids=None))


def test_each_member_is_as_the_orm_shows_it(api_as, visits) -> None:
    admin = api_as(make_user(Role.ADMIN))

    assert all_pages(admin) == by_the_orm(everything())


def test_one_visit_is_shown_as_in_the_list(api_as, visits) -> None:
    admin = api_as(make_user(Role.ADMIN))

    for visit in by_the_orm(everything())[::5]:
        answer = admin.get(f"{LIST}/{visit['id']}")
        assert answer.json() == visit
        assert answer.headers["ETag"] == f'"{visit["version"]}"'
    assert admin.get(f"{LIST}/{uuid4()}").json()["code"] == "not_found"


def test_pages_lead_back_too(api_as, visits) -> None:
    admin = api_as(make_user(Role.ADMIN))
    first = admin.get(LIST, {"limit": 10}).json()
    second = admin.get(first["next"]).json()

    assert admin.get(second["previous"]).json()["results"] == first["results"]


def test_each_filter_narrows_as_the_orm_would(api_as, visits) -> None:
    admin = api_as(make_user(Role.ADMIN))
    one = next(visit for visit in visits if visit.assignments.on_the_visit())
    technician = one.assignments.on_the_visit().first().technician_id
    on_it = Assignment.objects.on_the_visit().filter(technician=technician)
    nobody = Appointment.objects.unassigned().values("pk")
    middle, since = SHORT_OF_DST + 2 * HOUR, one.updated_at

    for query, narrowed in (
        ({"status": ["cancelled", "on_site"]}, Q(status__in=["cancelled", "on_site"])),
        ({"location": one.location_id}, Q(location=one.location_id)),
        ({"customer": one.customer_id}, Q(customer=one.customer_id)),
        ({"service": one.service.code}, Q(service=one.service)),
        ({"service": "none"}, Q(service=None)),
        ({"technician": technician}, Q(pk__in=on_it.values("appointment"))),
        ({"starts_after": middle.isoformat()}, Q(starts_at__gte=middle)),
        ({"starts_before": middle.isoformat()}, Q(starts_at__lt=middle)),
        ({"updated_since": since.isoformat()}, Q(updated_at__gte=since)),
        ({"unassigned": "true"}, Q(pk__in=nobody)),
        ({"unassigned": "false"}, ~Q(pk__in=nobody)),
        ({"search": one.reference}, Q(pk=one.pk)),
        ({"search": "zo"}, Q(pk=None)),
        ({"search": "", "customer": "", "location": ""}, Q()),
    ):
        expected = by_the_orm(everything().filter(narrowed))
        assert all_pages(admin, **query) == expected, query
        here = {**query, "location": one.location_id}
        assert all_pages(admin, **here) == [
            visit
            for visit in expected
            if visit["location"]["id"] == str(one.location_id)
        ]


@pytest.mark.parametrize("role", list(Role)[:5])
def test_each_role_sees_what_the_orm_lets_it_see(api_as, visits, role) -> None:
    one = next(visit for visit in visits if visit.assignments.on_the_visit())
    technician = one.assignments.on_the_visit().first().technician
    others = [visit for visit in visits if visit.location_id != one.location_id]
    user = make_user(role, locations=[one.location, others[0].location])
    if role is Role.TECHNICIAN:
        technician.user = user
        technician.save()
    actor = Actor(
        role=role,
        label="",
        location_ids=None
        if role is Role.ADMIN
        else frozenset({one.location_id, others[0].location_id}),
        technician_id=technician.pk if role is Role.TECHNICIAN else None,
    )
    client = api_as(user)

    seen = by_the_orm(visits_with_people(actor=actor))
    assert all_pages(client) == seen
    for visit in visits[::4]:
        found = client.get(f"{LIST}/{visit.pk}").status_code == 200
        assert found is any(each["id"] == str(visit.pk) for each in seen)
        here = client.get(LIST, {"location": visit.location_id, "limit": 200}).json()
        assert here["results"] == [
            each for each in seen if each["location"]["id"] == str(visit.location_id)
        ]


@pytest.mark.parametrize("count", [1, 30])
def test_a_page_costs_one_query_beside_the_callers(
    api_as, visits, count, django_assert_num_queries
) -> None:
    admin = api_as(make_user(Role.ADMIN))

    with django_assert_num_queries(2) as asked:
        answer = admin.get(LIST, {"limit": count})
    assert len(answer.json()["results"]) == count
    assert "accounts_user" in asked[0]["sql"]
    assert "appointments_appointment" in asked[1]["sql"]
    with django_assert_num_queries(2):
        admin.get(f"{LIST}/{visits[0].pk}")


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"status": "lost"}, "/status"),
        ({"location": "here"}, "/location"),
        ({"starts_after": "yesterday"}, "/starts_after"),
        ({"updated_since": "1999-01-01T00:00:00Z"}, "/updated_since"),
        ({"limit": "0"}, "/limit"),
    ],
)
def test_a_wrong_filter_is_told(api_as, query, pointer) -> None:
    answer = api_as(make_user(Role.ADMIN)).get(LIST, query | {"customer": "nobody"})

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert answer["Content-Type"] == "application/problem+json"
    assert {e["pointer"] for e in answer.json()["errors"]} <= {pointer, "/customer"}


def test_the_answer_is_json_whatever_the_caller_takes(api_as, visits) -> None:
    admin = api_as(make_user(Role.ADMIN))
    texts = [
        admin.get(LIST, headers={"Accept": accept}).json()
        for accept in ("*/*", "application/json", "application/*;q=0.8, text/html")
    ]

    assert texts[0] == texts[1] == texts[2]
    assert admin.get(LIST, headers={"Accept": "text/html"}).status_code == 406

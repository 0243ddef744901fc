"""The same races as a website sees them: statuses, and never a 5xx."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
import time_machine
from django.db import connection

from appointments.models import Appointment
from core.actors import Role
from core.models import Event
from tests.appointments.conftest import Company, make_company
from tests.factories import (
    NOW,
    make_property,
    make_service,
    make_technician,
    make_user,
)

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]

EIGHT = "2027-03-02T08:00:00-07:00"
Post = Callable[..., Any]


@pytest.fixture(autouse=True)
def _on_monday():
    with time_machine.travel(NOW, tick=True):
        yield


@pytest.fixture
def last_slot() -> Company:
    """A company whose window at eight can be kept exactly once."""
    company = make_company()
    company.service = make_service(duration_minutes=120)
    return company


@pytest.fixture
def book_at_once(last_slot, api_as) -> Post:
    """Return a function that posts bookings in threads which start together."""
    user = make_user(Role.DISPATCHER, locations=[last_slot.branch])
    clients = [api_as(user) for _ in range(20)]

    def post(bodies: list[dict[str, str]], **headers: str) -> list[Any]:
        barrier = Barrier(len(bodies))

        def send(number: int) -> Any:
            barrier.wait()
            try:
                return clients[number].post(
                    "/api/v1/appointments",
                    bodies[number],
                    format="json",
                    headers=headers,
                )
            finally:
                connection.close()

        with ThreadPoolExecutor(len(bodies)) as pool:
            return list(pool.map(send, range(len(bodies))))

    return post


def wishes(company: Company, count: int) -> list[dict[str, str]]:
    return [
        {
            "service": company.service.code,
            "starts_at": EIGHT,
            "property": str(make_property().pk),
        }
        for _ in range(count)
    ]


def statuses(answers: list[Any]) -> Counter[int]:
    return Counter(answer.status_code for answer in answers)


def test_twenty_buyers_of_the_last_slot(last_slot, book_at_once) -> None:
    answers = book_at_once(wishes(last_slot, 20))

    assert statuses(answers) == {201: 1, 409: 19}
    refused = [answer.json() for answer in answers if answer.status_code == 409]
    assert {problem["code"] for problem in refused} == {"slot_unavailable"}
    assert all(len(problem["alternatives"]) == 5 for problem in refused)


def test_three_free_technicians_serve_exactly_three(last_slot, book_at_once) -> None:
    for _ in range(2):
        make_technician(location=last_slot.branch)

    answers = book_at_once(wishes(last_slot, 20))

    assert statuses(answers) == {201: 3, 409: 17}


def test_the_same_key_ten_times_at_once_is_one_visit(last_slot, book_at_once) -> None:
    body = wishes(last_slot, 1)[0]

    answers = book_at_once([body] * 10, **{"Idempotency-Key": "one-wish"})

    assert statuses(answers) == {201: 10}
    assert len({answer.content for answer in answers}) == 1
    assert Appointment.objects.count() == 1
    assert Event.objects.filter(name="appointment.booked").count() == 1

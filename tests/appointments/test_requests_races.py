"""Requests that are answered by several people at once."""

import pytest

from appointments import services
from appointments.models import Appointment, Assignment
from appointments.rules.states import Status
from appointments.services import BookingRequest
from core.actors import SYSTEM, Actor, Role
from core.models import Event
from tests.appointments.conftest import Company, make_company
from tests.appointments.test_races import BUYERS, at_once, tally
from tests.factories import NOW, TOMORROW, local, make_property, make_service

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]

EIGHT = local(TOMORROW, 8)
MACHINE = Actor(role=Role.INTEGRATION, label="partner", location_ids=None)


@pytest.fixture
def company() -> Company:
    """A company whose window at eight can be kept exactly once."""
    company = make_company()
    company.service = make_service(duration_minutes=120, requires_approval=True)
    return company


def ask(company, *, actor=MACHINE) -> Appointment:
    request = BookingRequest(
        service=company.service, starts_at=EIGHT, property=make_property()
    )
    return services.book(request=request, actor=actor, now=NOW)


def approve(visit) -> Appointment:
    return services.approve(appointment_id=visit.pk, actor=SYSTEM, now=NOW)


def decline(visit) -> Appointment:
    return services.decline(
        appointment_id=visit.pk, reason="Too far", actor=SYSTEM, now=NOW
    )


def test_all_requests_for_one_slot_approved_at_once(company) -> None:
    asked = [ask(company) for _ in range(BUYERS)]

    results = at_once(lambda number: approve(asked[number]))

    assert tally(results) == {"Appointment": 1, "SlotUnavailable": BUYERS - 1}
    statuses = Appointment.objects.values_list("status", flat=True)
    assert sorted(statuses) == ["requested"] * (BUYERS - 1) + ["scheduled"]
    assert Event.objects.filter(name="appointment.approved").count() == 1
    assert Assignment.objects.count() == 1


def test_one_request_approved_by_all_at_once(company) -> None:
    asked = ask(company)

    results = at_once(lambda _: approve(asked))

    assert tally(results) == {"Appointment": BUYERS}
    assert Event.objects.filter(name="appointment.approved").count() == 1
    assert Assignment.objects.count() == 1


def test_approving_against_declining(company) -> None:
    asked = ask(company)

    results = at_once(lambda n: approve(asked) if n % 2 else decline(asked))

    assert tally(results) == {
        "Appointment": BUYERS // 2,
        "InvalidTransition": BUYERS // 2,
    }
    answers = Event.objects.filter(aggregate_id=asked.pk).exclude(number=1)
    asked.refresh_from_db()
    assert answers.count() == 1
    is_booked = asked.status == Status.SCHEDULED
    assert Assignment.objects.exists() == is_booked


def test_approving_against_booking(company) -> None:
    asked = ask(company)
    homes = [make_property() for _ in range(BUYERS)]

    def work(number: int) -> Appointment:
        if number == 0:
            return approve(asked)
        request = BookingRequest(
            service=company.service, starts_at=EIGHT, property=homes[number]
        )
        return services.book(request=request, actor=SYSTEM, now=NOW)

    results = at_once(work)

    assert tally(results) == {"Appointment": 1, "SlotUnavailable": BUYERS - 1}
    assert Assignment.objects.count() == 1

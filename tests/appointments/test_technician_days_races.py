"""Technicians' days are locked in one order, whoever changes them."""

from collections import Counter

import pytest

from appointments import services
from appointments.models import Appointment
from appointments.rules.states import Status
from core.actors import SYSTEM
from tests.appointments.conftest import Company, make_company
from tests.appointments.packing import expected_days, packed_days
from tests.crowds import at_once, deadlocks
from tests.factories import (
    NOW,
    TOMORROW,
    local,
    make_appointment,
    make_assignment,
    make_property,
    make_service,
    make_technician,
)

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]

CREWS = 8


def crossed_crews(company: Company) -> list[Appointment]:
    """Make visits of two technicians, who take turns at leading."""
    pair = [company.technician, make_technician(location=company.branch)]
    service = make_service(crew_size=2, duration_minutes=30)
    visits = []
    for number in range(CREWS):
        lead, helper = pair if number % 2 else pair[::-1]
        visit = make_appointment(
            technician=lead,
            location=company.branch,
            service=service,
            starts_at=local(TOMORROW, 8 + number),
        )
        make_assignment(appointment=visit, technician=helper, is_lead=False)
        visits.append(visit)
    return visits


def cancel(visit: Appointment) -> Appointment:
    return services.cancel(
        appointment_id=visit.pk, reason="Rain", actor=SYSTEM, now=NOW
    )


def unassign(visit: Appointment) -> Appointment:
    return services.unassign(appointment_id=visit.pk, actor=SYSTEM, now=NOW)


def finish(visit: Appointment) -> Appointment:
    for to in (Status.ON_SITE, Status.COMPLETED):
        services.change_status(appointment_id=visit.pk, to=to, actor=SYSTEM, now=NOW)
    return visit


@pytest.mark.parametrize("end", [cancel, unassign, finish])
def test_crews_that_cross_end_their_visits_at_once(end) -> None:
    visits = crossed_crews(make_company())

    before = deadlocks()

    results = at_once(lambda n: end(visits[n]), count=CREWS)

    assert Counter(type(result).__name__ for result in results) == {
        "Appointment": CREWS
    }
    assert deadlocks() == before
    assert packed_days() == expected_days()


def test_crews_that_leave_against_visits_that_change_hands() -> None:
    company = make_company()
    crews = crossed_crews(company)
    pair = list(crews[0].assignments.values_list("technician_id", flat=True))
    spare = [make_technician(location=company.branch) for _ in range(2)]
    moving = [
        make_appointment(
            technician=technician,
            location=company.branch,
            service=make_service(duration_minutes=30),
            property=make_property(postal_code="85004"),
            starts_at=local(TOMORROW, 8 + hour, 30),
        )
        for hour in range(4)
        for technician in (spare[hour % 2],)
    ]
    before = deadlocks()

    def work(number: int) -> object:
        if number % 2:
            return cancel(crews[number // 2])
        visit = moving[number // 2]
        return services.assign(
            appointment_id=visit.pk,
            technician_id=pair[number // 2 % 2],
            actor=SYSTEM,
            now=NOW,
        )

    results = at_once(work)

    assert set(Counter(type(result).__name__ for result in results)) <= {
        "Appointment",
        "SlotUnavailable",
    }
    assert deadlocks() == before
    assert packed_days() == expected_days()

"""A company, and a customer who can be reached by e-mail and by phone."""

from typing import Any

import pytest

from appointments import services
from appointments.models import Appointment
from appointments.services import BookingRequest
from core.actors import SYSTEM
from tests.appointments.conftest import Company, make_company
from tests.factories import NOW, TOMORROW, local, make_customer, make_property

EMAIL, PHONE = "ada@example.com", "+16025550142"


def make_reachable_company(
    *, email: str | None = EMAIL, phone: str | None = PHONE
) -> Company:
    company = make_company()
    company.branch.name, company.branch.phone = "Phoenix Comfort", "+16025550100"
    company.branch.save()
    company.service.name = "AC tune-up"
    company.service.save()
    company.technician.name = "Maria Lopez"
    company.technician.save()
    company.property = make_property(
        customer=make_customer(name="Ada Byron", email=email, phone=phone),
        line1="12 Palm Lane",
        postal_code="85004",
    )
    return company


@pytest.fixture
def company(db) -> Company:
    return make_reachable_company()


def book(company: Company, *, hour: int = 8) -> Appointment:
    """Book tomorrow's visit."""
    return services.book(
        request=BookingRequest(
            service=company.service,
            property=company.property,
            starts_at=local(TOMORROW, hour),
        ),
        actor=SYSTEM,
        now=NOW,
    )


def move(visit: Appointment, *, hour: int) -> Appointment:
    return services.reschedule(
        appointment_id=visit.pk,
        starts_at=local(TOMORROW, hour),
        actor=SYSTEM,
        now=NOW,
    )


def cancel(visit: Appointment) -> Appointment:
    return services.cancel(
        appointment_id=visit.pk, reason="Nobody at home.", actor=SYSTEM, now=NOW
    )


def step(visit: Appointment, to: Any) -> Appointment:
    return services.change_status(appointment_id=visit.pk, to=to, actor=SYSTEM, now=NOW)

"""Small worlds in which something was wrong once."""

from typing import Any

import pytest
import time_machine

from core.actors import Role
from tests.appointments.conftest import make_company
from tests.factories import (
    TOMORROW,
    local,
    make_appointment,
    make_service,
    make_user,
)

pytestmark = pytest.mark.django_db


@time_machine.travel(local(TOMORROW, 8, 30), tick=False)
def test_what_has_gone_by_of_a_window_is_nobodys_free_time(api_as) -> None:
    # Within [8:00, 10:00) there was an hour free at 8:00; it is half past eight.
    company = make_company()
    service = make_service(notice_minutes=0)
    make_appointment(
        technician=company.technician,
        service=make_service(duration_minutes=180),
        starts_at=local(TOMORROW, 9),
    )
    office = api_as(make_user(Role.ADMIN))
    asked: dict[str, Any] = {"service": service.code, "postal_code": "85004"}
    eight = local(TOMORROW, 8).isoformat()

    listed = office.get("/api/v1/availability", asked | {"days": 1}).json()["slots"]
    told = office.get("/api/v1/availability/explain", asked | {"starts_at": eight})
    form = {"service": service.code, "property": str(company.property.pk)}
    booked = office.post(
        "/api/v1/appointments", form | {"starts_at": eight}, format="json"
    )

    assert "08:00" not in {slot["starts_at"][11:16] for slot in listed}
    assert booked.json()["reason"] == "busy"
    assert [who["reason"] for who in told.json()["technicians"]] == ["busy"]

"""What the welcome text promises: a visitor books a visit of the demo company."""

import pytest
import time_machine
from rest_framework.test import APIClient

from appointments.models import Appointment
from config.local.welcome import WISH
from tests.demo.conftest import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("demo")]


def test_a_wish_becomes_a_visit_in_three_calls(api: APIClient):
    with time_machine.travel(NOW):
        wish = api.post("/api/v1/leads", WISH, content_type="application/json")
        times = api.get("/api/v1/availability?service=ac-tune-up&postal_code=85016")
        booking = api.post(
            "/api/v1/appointments",
            {
                "lead": wish.data["id"],
                "booking_token": wish.data["booking_token"],
                "service": "ac-tune-up",
                "starts_at": times.data["slots"][0]["starts_at"],
            },
            format="json",
        )

    assert [wish.status_code, times.status_code, booking.status_code] == [201, 200, 201]
    visit = Appointment.objects.get(lead=wish.data["id"])
    assert visit.reference == booking.data["reference"]
    assert visit.location.code == "phoenix"
    assert visit.assignments.holding().exists()
    assert visit.customer.name == "Robin Reyes"

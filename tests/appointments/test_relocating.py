"""An address is found on the map after a visit to it was booked."""

import pytest

from appointments.models import Appointment, Assignment
from appointments.services import cancel, relocate_visits
from core.actors import SYSTEM
from core.models import Event
from core.services import publish_waiting
from leads.models import Property
from leads.services import Location, locate_property
from tests.appointments.packing import expected_days, packed_days
from tests.factories import (
    DAY,
    NOW,
    TOMORROW,
    local,
    make_appointment,
    make_property,
    make_technician,
)

pytestmark = pytest.mark.django_db

FOUND = Location(latitude=33.4512, longitude=-112.0712, source="google_maps")


@pytest.fixture
def address():
    return make_property(latitude=33.4, longitude=-112.0, is_location_estimated=True)


def booked(address: Property) -> Appointment:
    visit = make_appointment(
        property=address, technician=make_technician(), starts_at=local(TOMORROW, 10)
    )
    visit.assignments.update(latitude=address.latitude, longitude=address.longitude)
    return visit


def places() -> set[tuple[float | None, float | None]]:
    return set(Assignment.objects.values_list("latitude", "longitude"))


def locate(address: Property) -> None:
    locate_property(property_id=address.pk, location=FOUND, actor=SYSTEM, now=NOW)
    publish_waiting(budget=DAY)


def test_visits_to_come_are_where_the_map_says(address) -> None:
    booked(address)
    assert places() == {(33.4, -112.0)}

    locate(address)

    assert places() == {(33.4512, -112.0712)}
    assert packed_days() == expected_days()


def test_what_is_over_stays_as_it_was(address) -> None:
    booked(address)
    before = places()

    assert relocate_visits(property_id=address.pk, now=NOW + 9 * DAY) == 0

    assert places() == before


def test_a_cancelled_visit_is_left_alone(address) -> None:
    visit = booked(address)
    cancel(appointment_id=visit.pk, reason="No", actor=SYSTEM, now=NOW)

    assert relocate_visits(property_id=address.pk, now=NOW) == 0


def test_the_same_place_again_is_no_news(address) -> None:
    locate(address)

    locate(address)

    assert Event.objects.filter(name="customer.property_located").count() == 1

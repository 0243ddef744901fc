"""Swaps at once: with each other, and with whatever else moves a visit."""

from collections import Counter
from itertools import combinations
from typing import Any

import pytest

from appointments import services
from appointments.models import Appointment, Assignment
from appointments.services import BookingRequest
from core.actors import SYSTEM
from core.errors import DomainError
from core.models import Event
from tests.appointments.conftest import Company, make_company
from tests.appointments.packing import expected_days, packed_days
from tests.crowds import at_once, deadlocks
from tests.factories import (
    HOUR,
    NOW,
    TOMORROW,
    local,
    make_appointment,
    make_property,
    make_technician,
)

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def company() -> Company:
    return make_company()


def visits_of(company: Company, *, count: int) -> list[Appointment]:
    """Make visits at one hour, each with a technician of its own."""
    crew = [company.technician]
    crew += [make_technician(location=company.branch) for _ in range(count - 1)]
    return [
        make_appointment(
            technician=technician,
            location=company.branch,
            service=company.service,
            property=make_property(postal_code="85004"),
            starts_at=local(TOMORROW, 8),
        )
        for technician in crew
    ]


def swap(first: Appointment, second: Appointment, **given: Any) -> object:
    return services.swap(
        first_id=first.pk, second_id=second.pk, actor=SYSTEM, now=NOW, **given
    )


def tally(results: list[object]) -> Counter[str]:
    return Counter(type(result).__name__ for result in results)


def is_sound(visits: list[Appointment]) -> bool:
    """Tell whether each visit has one technician, and each packed day is right."""
    rows = Assignment.objects.filter(appointment__in=visits, released_at=None)
    on_it = Counter(rows.values_list("appointment_id", flat=True))
    return set(on_it.values()) == {1} and packed_days() == expected_days()


def test_of_many_who_swap_what_they_see_one_does(company) -> None:
    first, second = visits_of(company, count=2)

    def work(number: int) -> object:
        pair = (first, second) if number % 2 else (second, first)
        return swap(*pair, first_version=1, second_version=1)

    results = at_once(work)

    assert tally(results) == {"tuple": 1, "VersionConflict": 7}
    assert Event.objects.filter(name="appointment.assigned").count() == 2
    assert is_sound([first, second])


def test_swaps_in_a_ring_wait_for_each_other_and_never_in_a_circle(company) -> None:
    visits = visits_of(company, count=4)
    pairs = [*combinations(visits, 2)]
    pairs += [(second, first) for first, second in pairs]
    before = deadlocks()

    results = at_once(lambda n: swap(*pairs[n]), count=len(pairs))

    assert tally(results) == {"tuple": len(pairs)}
    assert deadlocks() == before
    assert is_sound(visits)
    technicians = Assignment.objects.values_list("technician_id", flat=True)
    assert len(set(technicians)) == len(visits)


def test_a_swap_against_a_move_of_one_of_them(company) -> None:
    first, second = visits_of(company, count=2)
    before = deadlocks()

    def work(number: int) -> object:
        if number % 2:
            return swap(first, second)
        hour = 10 + number % 4 * 2
        return services.reschedule(
            appointment_id=(first, second)[number // 2 % 2].pk,
            starts_at=local(TOMORROW, hour),
            actor=SYSTEM,
            now=NOW,
        )

    results = at_once(work)

    assert set(tally(results)) <= {"tuple", "Appointment", "SlotUnavailable"}
    assert deadlocks() == before
    assert is_sound([first, second])


def test_a_swap_against_bookings_of_the_same_technicians(company) -> None:
    company.service.duration_minutes = 120
    company.service.save()
    first, second = visits_of(company, count=2)
    # The second is at ten: once they are swapped, eight is not free for its technician.
    Appointment.objects.filter(pk=second.pk).update(
        starts_at=local(TOMORROW, 10),
        ends_at=local(TOMORROW, 12),
        window_starts_at=local(TOMORROW, 10),
        window_ends_at=local(TOMORROW, 12),
    )
    second.assignments.update(
        occupied_from=local(TOMORROW, 10), occupied_until=local(TOMORROW, 12)
    )
    places = [make_property(postal_code="85004") for _ in range(8)]

    def work(number: int) -> object:
        if number % 4 == 0:
            return swap(first, second)
        return services.book(
            request=BookingRequest(
                service=company.service,
                starts_at=local(TOMORROW, 8) + number % 2 * 2 * HOUR,
                property=places[number],
            ),
            actor=SYSTEM,
            now=NOW,
        )

    results = at_once(work)

    assert all(isinstance(one, DomainError | Appointment | tuple) for one in results), (
        results
    )
    assert packed_days() == expected_days()
    # Two technicians, four hours: four visits of two hours at the very most.
    assert Assignment.objects.holding().count() <= 4

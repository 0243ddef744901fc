"""Two people, one technician: what must never be, tried on a real database."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier

import pytest
from django.db import connection

from appointments import services
from appointments.models import Appointment, Assignment
from appointments.rules.states import Status
from appointments.services import BookingRequest, InvalidTransition
from core.actors import SYSTEM
from core.db import retry_contention
from core.errors import DomainError
from core.models import Event
from tests.appointments.conftest import make_company
from tests.factories import (
    NOW,
    TOMORROW,
    local,
    make_appointment,
    make_lead,
    make_property,
    make_service,
    make_technician,
)

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]

BUYERS = 20


def at_once(work: Callable[[int], object], *, count: int = BUYERS) -> list[object]:
    """Run `work(0..count-1)` in threads that start together; return what came out."""
    barrier = Barrier(count)

    def run(number: int) -> object:
        barrier.wait()
        try:
            return retry_contention(lambda: work(number))
        except DomainError as refused:
            return refused
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def tally(results: list[object]) -> Counter[str]:
    return Counter(type(result).__name__ for result in results)


def overlaps() -> int:
    """Count pairs of held intervals of one technician that overlap."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT count(*) FROM appointments_assignment a
            JOIN appointments_assignment b
              ON a.technician_id = b.technician_id AND a.id < b.id
             AND a.occupied_from < b.occupied_until
             AND b.occupied_from < a.occupied_until
            WHERE a.released_at IS NULL AND b.released_at IS NULL
            """
        )
        (count,) = cursor.fetchone()
        return int(count)


def buy(
    company, *, properties, service=None, starts_at=None
) -> Callable[[int], Appointment]:
    def work(number: int) -> Appointment:
        return services.book(
            request=BookingRequest(
                service=service or company.service,
                starts_at=starts_at or local(TOMORROW, 8),
                property=properties[number],
            ),
            actor=SYSTEM,
            now=NOW,
        )

    return work


@pytest.fixture
def last_slot():
    """A company whose window at eight can be kept exactly once."""
    company = make_company()
    company.service = make_service(duration_minutes=120)
    return company


def test_the_last_slot_is_sold_once(last_slot) -> None:
    homes = [make_property() for _ in range(BUYERS)]

    results = at_once(buy(last_slot, properties=homes))

    assert tally(results) == {"Appointment": 1, "SlotUnavailable": BUYERS - 1}
    assert Appointment.objects.count() == Assignment.objects.count() == 1
    assert Event.objects.filter(name="appointment.booked").count() == 1


def test_three_free_technicians_serve_exactly_three(last_slot) -> None:
    for _ in range(2):
        make_technician(location=last_slot.branch)
    homes = [make_property() for _ in range(BUYERS)]

    results = at_once(buy(last_slot, properties=homes))

    assert tally(results) == {"Appointment": 3, "SlotUnavailable": BUYERS - 3}
    assert Assignment.objects.values("technician").distinct().count() == 3


def test_staggered_starts_never_overlap() -> None:
    company = make_company()
    exact = make_service(booking_mode="exact", duration_minutes=45)
    homes = [make_property() for _ in range(BUYERS)]

    def work(number: int) -> Appointment:
        start = local(TOMORROW, 8 + number % 4, 15 * (number % 3))
        return buy(company, properties=homes, service=exact, starts_at=start)(number)

    results = at_once(work)

    assert set(tally(results)) == {"Appointment", "SlotUnavailable"}
    assert overlaps() == 0


def test_a_lead_converts_once() -> None:
    company = make_company()
    lead = make_lead(line1="1 Elm St", city="Phoenix", region="AZ")

    def work(number: int) -> Appointment:
        return services.book(
            request=BookingRequest(
                service=company.service, starts_at=local(TOMORROW, 8), lead_id=lead.pk
            ),
            actor=SYSTEM,
            now=NOW,
        )

    results = at_once(work)

    assert tally(results) == {"Appointment": 1, "AlreadyConverted": BUYERS - 1}


def test_two_dispatchers_on_one_card_do_not_overwrite_each_other() -> None:
    company = make_company()
    visit = make_appointment(location=company.branch, service=company.service)
    technicians = [make_technician(location=company.branch) for _ in range(BUYERS)]

    def work(number: int) -> Appointment:
        return services.assign(
            appointment_id=visit.pk,
            technician_id=technicians[number].pk,
            actor=SYSTEM,
            now=NOW,
            expected_version=1,
        )

    results = at_once(work)

    assert tally(results) == {"Appointment": 1, "VersionConflict": BUYERS - 1}
    assert Assignment.objects.filter(appointment=visit).count() == 1


def test_starting_and_cancelling_at_once_ends_in_one_of_them() -> None:
    company = make_company()
    visit = make_appointment(technician=company.technician, location=company.branch)

    def work(number: int) -> Appointment:
        if number % 2:
            return services.cancel(
                appointment_id=visit.pk, reason="Sold", actor=SYSTEM, now=NOW
            )
        return services.change_status(
            appointment_id=visit.pk,
            to=Status.ON_SITE,
            actor=SYSTEM,
            now=NOW,
        )

    results = at_once(work, count=2)

    visit.refresh_from_db()
    refused = [r for r in results if isinstance(r, DomainError)]
    assert len(refused) == 1
    assert isinstance(refused[0], InvalidTransition)
    assert visit.status in {"on_site", "cancelled"}
    numbers = Event.objects.of("appointment", visit.pk).values_list("number", flat=True)
    assert list(numbers) == [1]


def test_moving_and_booking_into_the_same_time_do_not_deadlock() -> None:
    company = make_company()
    exact = make_service(booking_mode="exact")
    movers = [
        make_appointment(
            technician=company.technician,
            location=company.branch,
            service=exact,
            starts_at=local(TOMORROW, 8 + n),
        )
        for n in range(4)
    ]
    homes = [make_property() for _ in range(BUYERS)]
    target = local(TOMORROW, 13)

    def work(number: int) -> Appointment:
        if number < len(movers):
            return services.reschedule(
                appointment_id=movers[number].pk,
                starts_at=target,
                actor=SYSTEM,
                now=NOW,
            )
        return buy(company, properties=homes, service=exact, starts_at=target)(number)

    results = at_once(work, count=12)

    assert tally(results) == {"Appointment": 1, "SlotUnavailable": 11}
    assert overlaps() == 0


def test_a_reference_that_is_drawn_twice_is_drawn_again(monkeypatch) -> None:
    company = make_company()
    homes = [make_property() for _ in range(2)]
    drawn = iter(["V-AAAAAAAA", "V-AAAAAAAA", "V-BBBBBBBB"])
    monkeypatch.setattr(
        "appointments.services.booking.make_reference", lambda _prefix: next(drawn)
    )

    purchase = buy(company, properties=homes)

    visits = [retry_contention(partial(purchase, n)) for n in range(2)]

    assert [visit.reference for visit in visits] == ["V-AAAAAAAA", "V-BBBBBBBB"]

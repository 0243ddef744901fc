"""Who writes into one day of one branch at once: nobody waits, nothing is lost."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from random import Random
from threading import Barrier, Event
from typing import Any

import pytest
from django.db import connection, transaction

from appointments import services
from appointments.models import Appointment, Assignment, BranchDay
from appointments.rules.states import Status, Step
from appointments.services import BookingRequest
from appointments.services.branch_days import correct, mistakes_in
from core.actors import SYSTEM
from core.db import retry_contention
from core.errors import DomainError
from tests.appointments.conftest import make_company
from tests.factories import (
    DAY,
    HOUR,
    NOW,
    TOMORROW,
    local,
    make_appointment,
    make_assignment,
    make_location,
    make_property,
    make_service,
    make_technician,
)

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]

CROWD = 8


def at_once(work: Callable[[int], object], *, count: int = CROWD) -> list[object]:
    """Run `work(0..count-1)` in threads that start together."""
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


def test_a_booking_of_the_same_day_waits_for_nobody() -> None:
    branch, address, service = make_location(), make_property(), make_service()
    given: dict[str, Any] = {
        "location": branch,
        "property": address,
        "service": service,
    }
    is_written, may_commit = Event(), Event()

    def slow() -> None:
        with transaction.atomic():
            make_appointment(**given)
            is_written.set()
            assert may_commit.wait(10)
        connection.close()

    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(slow)
        assert is_written.wait(10)
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '100ms'")
            make_appointment(**given)
            cursor.execute("SELECT fold_branch_day(%s, %s)", [branch.pk, TOMORROW])
        may_commit.set()
        other.result()

    assert mistakes_in(location_id=None) == []
    assert sum(BranchDay.objects.values_list("visits", flat=True)) == 2


def test_two_who_fold_one_day_at_once_lose_nothing() -> None:
    branch = make_location()
    address, service = make_property(), make_service()
    for _ in range(12):
        make_appointment(location=branch, property=address, service=service)

    def fold_and_book(number: int) -> None:
        for _ in range(5):
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SELECT fold_branch_day(%s, %s)", [branch.pk, TOMORROW])
                make_appointment(location=branch, property=address, service=service)
                cursor.execute("SELECT fold_branch_day(%s, %s)", [branch.pk, TOMORROW])

    at_once(fold_and_book)

    assert mistakes_in(location_id=None) == []
    assert Appointment.objects.count() == 12 + 5 * CROWD


def test_a_crew_that_is_put_on_one_visit_at_once_is_counted_once() -> None:
    visit = make_appointment()
    crew = [make_technician(location=visit.location) for _ in range(CROWD)]

    def come_or_go(number: int) -> None:
        make_assignment(appointment=visit, technician=crew[number], is_lead=number == 0)

    at_once(come_or_go)
    together = mistakes_in(location_id=None)
    at_once(lambda n: Assignment.objects.filter(technician=crew[n]).delete())

    assert together == []
    assert mistakes_in(location_id=None) == []
    assert sum(BranchDay.objects.values_list("unassigned", flat=True)) == 1


def test_visits_that_change_places_do_not_deadlock() -> None:
    branch = make_location()
    days = [
        make_appointment(location=branch, starts_at=local(TOMORROW, 9) + n * DAY)
        for n in range(2)
    ]

    def swap_back_and_forth(number: int) -> None:
        for turn in range(6):
            with transaction.atomic():
                # One goes through the days in one order, the next in the other.
                for n in (0, 1)[:: 1 if number % 2 else -1]:
                    make_appointment(
                        location=branch,
                        property=days[0].property,
                        service=days[0].service,
                        starts_at=days[(n + turn) % 2].starts_at,
                    )

    at_once(swap_back_and_forth)

    assert mistakes_in(location_id=None) == []
    assert Appointment.objects.count() == 2 + CROWD * 6 * 2


def test_the_services_all_at_once_leave_a_right_account() -> None:
    company = make_company()
    exact = make_service(booking_mode="exact", price_cents=5000)
    for _ in range(3):
        make_technician(location=company.branch)
    homes = [make_property() for _ in range(CROWD)]

    def live(number: int) -> None:
        dice = Random(number)  # noqa: S311  # no secret
        for _ in range(6):
            with suppress(DomainError):  # refused, as it may be: nothing is written
                _do_something(dice, homes[number], exact)

    at_once(live)

    assert Appointment.objects.exists()
    assert mistakes_in(location_id=None) == []


def _do_something(dice: Random, home: Any, service: Any) -> None:
    visits = list(Appointment.objects.order_by("pk"))
    about = {"actor": SYSTEM, "now": NOW}
    start = local(TOMORROW, 8) + dice.randrange(9) * HOUR + dice.randrange(2) * DAY
    deed = dice.randrange(5) if visits else 0
    visit = dice.choice(visits) if visits else None
    if deed < 2 or visit is None:
        request = BookingRequest(service=service, starts_at=start, property=home)
        services.book(request=request, **about)  # type: ignore[arg-type]
    elif deed == 2:
        services.reschedule(appointment_id=visit.pk, starts_at=start, **about)  # type: ignore[arg-type]
    elif deed == 3:
        services.cancel(appointment_id=visit.pk, reason="Rain", **about)  # type: ignore[arg-type]
    else:
        to = dice.choice([Step.DECLINED, Status.ON_SITE, Status.COMPLETED])
        services.change_status(appointment_id=visit.pk, to=to, **about)  # type: ignore[arg-type]


def test_a_repair_while_others_write_breaks_nothing() -> None:
    branch = make_location()
    address, service = make_property(), make_service()
    make_appointment(location=branch, property=address, service=service)
    BranchDay.objects.update(visits=7)

    def write_or_repair(number: int) -> None:
        for _ in range(5):
            if number < 3:
                correct(location_id=branch.pk)
            else:
                make_appointment(location=branch, property=address, service=service)

    at_once(write_or_repair)

    assert mistakes_in(location_id=None) == []
    assert Appointment.objects.count() == 1 + 5 * (CROWD - 3)

"""Changes of the roster raced against bookings: never a stranded visit (R13)."""

from collections.abc import Callable, Iterator
from datetime import date
from functools import partial
from typing import Any

import pytest
from django.db import connection

from appointments import services
from appointments.models import Appointment, Assignment
from appointments.services import BookingRequest
from core import services as core
from core.actors import SYSTEM
from core.models import Holiday
from core.roster import OnConflict
from core.services import HolidayForm
from technicians import services as crew
from technicians.models import Technician, TimeOff
from tests.appointments.conftest import Company, make_company
from tests.appointments.test_races import at_once, tally
from tests.factories import (
    DAY,
    HOUR,
    NOW,
    TOMORROW,
    local,
    make_appointment,
    make_property,
    make_service,
    make_technician,
)

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]

CROWD = 20
ROUNDS = 4
REFUSED = {"SlotUnavailable", "Stranded", "HolidayListed", "InvalidTransition"}


@pytest.fixture(autouse=True)
def _no_deadlock() -> Iterator[None]:
    """Fail where PostgreSQL had to free anybody, even if a retry went well."""
    before = deadlocks()
    yield
    assert deadlocks() == before


def deadlocks() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        )
        (count,) = cursor.fetchone()
        return int(count)


@pytest.fixture
def exact_company() -> Company:
    company = make_company()
    company.service = make_service(booking_mode="exact")
    return company


def book(company: Company, *, day: date, hour: int) -> Appointment:
    return services.book(
        request=BookingRequest(
            service=company.service,
            starts_at=local(day, hour),
            property=make_property(postal_code="85004"),
        ),
        actor=SYSTEM,
        now=NOW,
    )


def take_off(
    technician: Technician, *, day: date, hour: int, on_conflict=OnConflict.REJECT
) -> TimeOff:
    return crew.add_time_off(
        technician_id=technician.pk,
        starts_at=local(day, hour),
        ends_at=local(day, hour) + HOUR,
        actor=SYSTEM,
        now=NOW,
        on_conflict=on_conflict,
    )


def close(company: Company, *, day: date, everywhere: bool = False) -> Holiday:
    form = HolidayForm(
        date=day,
        name="Picnic",
        location_id=None if everywhere else company.branch.pk,
    )
    return core.add_holiday(form=form, actor=SYSTEM, now=NOW)


def nth_hour_off(company: Company, day: date, n: int) -> TimeOff:
    return take_off(company.technician, day=day, hour=8 + n % 8)


def nth_hour_booked(company: Company, day: date, n: int) -> Appointment:
    return book(company, day=day, hour=8 + n % 8)


def closed(company: Company, day: date, everywhere: bool, _n: int) -> Holiday:
    return close(company, day=day, everywhere=everywhere)


def deactivated(company: Company, _n: int) -> Technician:
    return crew.deactivate_technician(
        technician_id=company.technician.pk, actor=SYSTEM, now=NOW
    )


def both_kinds(
    change: Callable[[int], object], booking: Callable[[int], object]
) -> Callable[[int], object]:
    """Return the work of a crowd of which every other one books."""
    return lambda number: (change if number % 2 else booking)(number // 2)


def booked_during_time_off() -> int:
    """Count visits whose technician is away while they are planned."""
    return sum(
        TimeOff.objects.filter(technician=row.technician_id)
        .overlapping(row.occupied_from, row.occupied_until)
        .count()
        for row in Assignment.objects.holding()
    )


def assert_only_refusals(results: list[object], *, made: set[str]) -> None:
    assert set(tally(results)) <= made | REFUSED, results


def test_time_off_and_a_booking_never_both_win(exact_company) -> None:
    for number in range(ROUNDS):
        day = TOMORROW + number * DAY
        results = at_once(
            both_kinds(
                partial(nth_hour_off, exact_company, day),
                partial(nth_hour_booked, exact_company, day),
            ),
            count=CROWD,
        )

        assert_only_refusals(results, made={"TimeOff", "Appointment"})
        assert booked_during_time_off() == 0
        taken = TimeOff.objects.count() + Appointment.objects.count()
        assert taken >= 8 * (number + 1)  # each hour went to one of the two


@pytest.mark.parametrize("everywhere", [False, True])
def test_a_holiday_and_a_booking_never_both_win(exact_company, everywhere) -> None:
    for _ in range(2):
        make_technician(location=exact_company.branch)

    for number in range(ROUNDS):
        day = TOMORROW + number * DAY
        results = at_once(
            both_kinds(
                partial(closed, exact_company, day, everywhere),
                partial(nth_hour_booked, exact_company, day),
            ),
            count=CROWD,
        )

        assert_only_refusals(results, made={"Holiday", "Appointment"})
        booked = Appointment.objects.filter(
            starts_at__gte=local(day, 0), starts_at__lt=local(day, 0) + DAY
        )
        is_closed = Holiday.objects.filter(date=day).exists()
        assert is_closed != booked.exists()


def test_a_deactivation_and_a_booking_never_both_win(exact_company) -> None:
    for number in range(ROUNDS):
        day = TOMORROW + number * DAY
        Assignment.objects.all().delete()
        Technician.objects.update(is_active=True)

        results = at_once(
            both_kinds(
                partial(deactivated, exact_company),
                partial(nth_hour_booked, exact_company, day),
            ),
            count=CROWD,
        )

        assert_only_refusals(results, made={"Technician", "Appointment"})
        is_gone = not Technician.objects.get(pk=exact_company.technician.pk).is_active
        assert is_gone != Assignment.objects.holding().exists()


def test_unassigning_while_others_move_the_same_visits(exact_company) -> None:
    """Everybody locks visits before technicians, so nobody waits in a circle."""
    mate = make_technician(location=exact_company.branch)
    visits = [
        make_appointment(
            technician=exact_company.technician,
            service=exact_company.service,
            property=exact_company.property,
            starts_at=local(TOMORROW, 8 + n),
        )
        for n in range(8)
    ]
    common: dict[str, Any] = {"actor": SYSTEM, "now": NOW}

    def work(number: int) -> object:
        visit = visits[number % 8]
        match number % 5:
            case 0:
                return take_off(
                    exact_company.technician,
                    day=TOMORROW,
                    hour=8 + number % 8,
                    on_conflict=OnConflict.UNASSIGN,
                )
            case 1:
                start = visit.starts_at + DAY
                return services.reschedule(
                    appointment_id=visit.pk, starts_at=start, **common
                )
            case 2:
                return services.assign(
                    appointment_id=visit.pk, technician_id=mate.pk, **common
                )
            case 3:
                return services.cancel(appointment_id=visit.pk, reason="Rain", **common)
            case _:
                return book(exact_company, day=TOMORROW + DAY, hour=8 + number % 8)

    results = at_once(work, count=CROWD)

    assert_only_refusals(results, made={"TimeOff", "Appointment"})
    assert tally(results)["TimeOff"] == CROWD // 5
    assert booked_during_time_off() == 0


def test_changes_of_many_technicians_do_not_wait_in_a_circle(exact_company) -> None:
    everybody = [exact_company.technician]
    everybody += [make_technician(location=exact_company.branch) for _ in range(4)]

    def work(number: int) -> object:
        match number % 3:
            case 0:
                day = TOMORROW + (number + 30) * DAY
                return close(exact_company, day=day, everywhere=number % 2 == 0)
            case 1:
                technician = everybody[number % 5]
                return take_off(technician, day=TOMORROW, hour=9)
            case _:
                return book(exact_company, day=TOMORROW, hour=12)

    results = at_once(work, count=CROWD)

    assert_only_refusals(results, made={"Holiday", "TimeOff", "Appointment"})
    assert tally(results)["Holiday"] == 7
    assert booked_during_time_off() == 0

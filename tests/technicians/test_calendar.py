"""Shifts, exceptions and absences as they are stored, and as they are read back."""

from datetime import UTC, date, datetime, time, timedelta

import pytest

from core.actors import SYSTEM
from core.errors import NotFound
from core.ids import uuid7
from core.models import Event
from core.walltime import AmbiguousLocalTime, NonexistentLocalTime
from technicians.models import Technician
from technicians.selectors import shift_intervals, time_off_between
from technicians.services import (
    EndsBeforeStart,
    ExceptionListed,
    ShiftExceptionForm,
    ShiftListedTwice,
    WeeklyShiftForm,
    add_shift_exception,
    add_time_off,
    remove_shift_exception,
    remove_time_off,
    set_weekly_shifts,
)
from tests.factories import (
    DAY,
    HOUR,
    NOW,
    TODAY,
    TOMORROW,
    local,
    make_location,
    make_technician,
    make_time_off,
)

pytestmark = pytest.mark.django_db

EIGHT, NOON, FIVE = time(8), time(12), time(17)


def shift(technician: Technician, day: date, starts=EIGHT, ends=FIVE, **given):
    return WeeklyShiftForm(
        location_id=technician.location_id,
        weekday=day.weekday(),
        starts=starts,
        ends=ends,
        **given,
    )


def work(technician: Technician, *shifts: WeeklyShiftForm) -> Technician:
    return set_weekly_shifts(
        technician_id=technician.pk, shifts=shifts, actor=SYSTEM, now=NOW
    )


def except_on(technician: Technician, day: date, starts=None, ends=None, **given):
    form = ShiftExceptionForm(
        date=day,
        starts=starts,
        ends=ends,
        location_id=technician.location_id if starts else None,
        **given,
    )
    return add_shift_exception(
        technician_id=technician.pk, form=form, actor=SYSTEM, now=NOW
    )


def away(technician: Technician, starts_at: datetime, ends_at: datetime):
    return add_time_off(
        technician_id=technician.pk,
        starts_at=starts_at,
        ends_at=ends_at,
        actor=SYSTEM,
        now=NOW,
    )


def spans(technician: Technician, *days: date) -> list[tuple[datetime, datetime]]:
    found = shift_intervals(technician_ids=[technician.pk], days=days)
    return [(interval.starts_at, interval.ends_at) for interval in found]


def test_weekly_shifts_are_replaced(technician) -> None:
    work(technician, shift(technician, TODAY), shift(technician, TOMORROW))

    work(technician, shift(technician, TODAY, NOON))

    # Phoenix is UTC-7: noon is 19:00Z, 17:00 is 00:00Z of the next day.
    assert spans(technician, TODAY, TOMORROW) == [(local(TODAY, 12), local(TODAY, 17))]
    assert Event.objects.filter(name="technician.shifts_changed").count() == 2


def test_a_shift_listed_twice_is_refused_and_the_old_ones_stay(technician) -> None:
    work(technician, shift(technician, TODAY))

    with pytest.raises(ShiftListedTwice):
        work(technician, shift(technician, TODAY), shift(technician, TODAY, ends=NOON))

    assert spans(technician, TODAY) == [(local(TODAY, 8), local(TODAY, 17))]


def test_on_call_may_begin_with_a_regular_shift(technician) -> None:
    work(
        technician,
        shift(technician, TODAY),
        shift(technician, TODAY, kind="on_call"),
    )

    assert len(spans(technician, TODAY)) == 2


def test_an_exception_is_added_and_removed(technician) -> None:
    work(technician, shift(technician, TODAY))

    exception = except_on(technician, TODAY, reason="Training")
    assert spans(technician, TODAY) == []

    remove_shift_exception(
        technician_id=technician.pk, exception_id=exception.pk, actor=SYSTEM, now=NOW
    )
    assert spans(technician, TODAY) == [(local(TODAY, 8), local(TODAY, 17))]
    added = Event.objects.get(name="technician.shift_exception_added")
    assert (added.reason, added.data["date"]) == ("Training", "2027-03-01")


@pytest.mark.parametrize("times", [(), (EIGHT, NOON)])
def test_an_exception_is_listed_once(technician, times) -> None:
    except_on(technician, TODAY, *times)

    with pytest.raises(ExceptionListed):
        except_on(technician, TODAY, *times)


def test_a_colleagues_exception_cannot_be_removed(technician) -> None:
    other = except_on(make_technician(), TODAY)

    with pytest.raises(NotFound):
        remove_shift_exception(
            technician_id=technician.pk, exception_id=other.pk, actor=SYSTEM, now=NOW
        )


def test_time_off_is_told_and_read_back(technician) -> None:
    absence = away(technician, local(TODAY, 8), local(TODAY, 12))

    found = time_off_between(
        technician_ids=[technician.pk], starts_at=NOW, ends_at=NOW + DAY
    )
    assert list(found) == [absence]
    event = Event.objects.get(name="technician.time_off_added")
    assert event.data["starts_at"] == "2027-03-01T15:00:00+00:00"


def test_a_naive_time_off_is_read_at_the_home_branch(technician) -> None:
    absence = away(
        technician,
        datetime(2027, 3, 1, 8),  # noqa: DTZ001  # a wall time
        datetime(2027, 3, 1, 12),  # noqa: DTZ001
    )

    # Phoenix is UTC-7.
    assert absence.starts_at == datetime(2027, 3, 1, 15, tzinfo=UTC)
    assert absence.ends_at == datetime(2027, 3, 1, 19, tzinfo=UTC)


@pytest.mark.parametrize(
    ("wall", "error"),
    [
        (datetime(2027, 3, 14, 2, 30), NonexistentLocalTime),  # noqa: DTZ001
        (datetime(2027, 11, 7, 1, 30), AmbiguousLocalTime),  # noqa: DTZ001
    ],
)
def test_a_wall_time_that_is_not_one_instant_is_refused(wall, error) -> None:
    branch = make_location(time_zone="America/New_York")
    technician = make_technician(location=branch, shift=None)

    with pytest.raises(error):
        away(technician, wall, wall + DAY)


@pytest.mark.parametrize("length", [timedelta(), -HOUR])
def test_time_off_takes_time(technician, length) -> None:
    with pytest.raises(EndsBeforeStart):
        away(technician, NOW, NOW + length)


def test_time_off_is_removed(technician) -> None:
    absence = make_time_off(technician=technician, starts_at=NOW, ends_at=NOW + HOUR)

    remove_time_off(
        technician_id=technician.pk, time_off_id=absence.pk, actor=SYSTEM, now=NOW
    )

    assert not technician.time_offs.exists()
    assert Event.objects.get().name == "technician.time_off_removed"


def test_time_off_that_is_not_there_cannot_be_removed(technician) -> None:
    with pytest.raises(NotFound):
        remove_time_off(
            technician_id=technician.pk, time_off_id=uuid7(), actor=SYSTEM, now=NOW
        )


@pytest.mark.parametrize(
    ("starts_at", "ends_at", "touches"),
    [
        (NOW - HOUR, NOW, False),  # half-open: it ends as the span begins
        (NOW - HOUR, NOW + HOUR, True),
        (NOW + HOUR, NOW + 2 * HOUR, True),
        (NOW + DAY, NOW + DAY + HOUR, False),
    ],
)
def test_time_off_counts_where_it_touches(
    technician, starts_at, ends_at, touches
) -> None:
    make_time_off(technician=technician, starts_at=starts_at, ends_at=ends_at)

    found = time_off_between(
        technician_ids=[technician.pk], starts_at=NOW, ends_at=NOW + DAY
    )

    assert found.exists() is touches


def test_many_calendars_cost_three_queries(django_assert_num_queries) -> None:
    crew = [make_technician() for _ in range(3)]
    days = [TODAY + timedelta(days=n) for n in range(14)]

    with django_assert_num_queries(3):  # weekly shifts, exceptions, locations
        found = shift_intervals(technician_ids=[one.pk for one in crew], days=days)

    assert len(found) == 3 * 14

"""A process keeps technicians' packed days, and never an outdated one."""

from datetime import timedelta

import pytest
from django.db import connection, transaction

from appointments.models import Assignment, RosterVersion, TechnicianDay
from appointments.rules.slots import Span, to_minute
from appointments.selectors.packed_days import packed_days
from technicians.models import TimeOff
from tests.factories import (
    DAY,
    HOUR,
    TOMORROW,
    local,
    make_appointment,
    make_assignment,
    make_technician,
    make_time_off,
)

pytestmark = pytest.mark.django_db(transaction=True)

START = local(TOMORROW, 8)
SPAN = Span(to_minute(START - DAY), to_minute(START + DAY))


@pytest.fixture
def technician():
    return make_technician()


def occupy(technician, start):
    return make_appointment(
        technician=technician,
        location=technician.location,
        starts_at=start,
        ends_at=start + HOUR,
    )


def read(technician):
    """Return the technician's packed days, and how many rows PostgreSQL sent."""
    rows = []

    def count(execute, sql, params, many, context):
        result = execute(sql, params, many, context)
        rows.append(context["cursor"].rowcount)
        return result

    with connection.execute_wrapper(count):
        _, days = packed_days([technician.pk], span=SPAN)
    (sent,) = rows
    return list(days.get(technician.pk, ())), sent


def stored(technician):
    rows = TechnicianDay.objects.filter(technician=technician).order_by("day")
    return [bytes(row.stops) for row in rows if row.stops]


def test_what_did_not_change_is_not_sent_again(technician) -> None:
    for days in (0, 1):
        occupy(technician, START + timedelta(days=days - 1))

    first, sent_first = read(technician)
    again, sent_again = read(technician)

    assert first == again == stored(technician)
    assert (sent_first, sent_again) == (2, 1)


def test_every_kind_of_change_is_seen_at_once(technician) -> None:
    read(technician)
    visit = occupy(technician, START)
    assert read(technician)[0] == stored(technician) != []

    Assignment.objects.filter(appointment=visit).update(
        occupied_from=START + HOUR, occupied_until=START + 2 * HOUR
    )
    assert read(technician)[0] == stored(technician)

    Assignment.objects.filter(appointment=visit).delete()
    assert read(technician)[0] == []


def test_what_was_rolled_back_is_not_kept(technician) -> None:
    """Its versions are given out once more: to what is committed next."""
    undone, kept = (
        make_appointment(location=technician.location, starts_at=start)
        for start in (START, START + 2 * HOUR)
    )

    with transaction.atomic():
        make_assignment(appointment=undone, technician=technician)
        never_true, _ = read(technician)
        transaction.set_rollback(True)
    make_assignment(appointment=kept, technician=technician)
    days, _ = read(technician)

    assert days == stored(technician) != never_true


def test_a_transaction_sees_what_it_has_written_itself(technician) -> None:
    before, _ = read(technician)

    with transaction.atomic():
        occupy(technician, START)
        within, _ = read(technician)

    assert before == []
    assert within == stored(technician)


def test_another_roster_is_told_with_the_same_days(technician) -> None:
    occupy(technician, START)
    read(technician)
    away = START + 3 * DAY
    make_time_off(technician=technician, starts_at=away, ends_at=away + HOUR)
    assert TimeOff.objects.exists()

    version, days = packed_days([technician.pk], span=SPAN)

    assert version == RosterVersion.objects.get().version
    assert list(days[technician.pk]) == stored(technician)

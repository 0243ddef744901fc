"""`manage.py audit_technician_days`, and what becomes of days gone by."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from appointments.models import Assignment, TechnicianDay
from core.services import prune
from tests.appointments.packing import expected_days, packed_days
from tests.factories import DAY, HOUR, MINUTE, make_appointment, make_technician

pytestmark = pytest.mark.django_db


def audit(*options: str) -> tuple[str, int]:
    """Return what the command says, and its exit code."""
    out = StringIO()
    try:
        call_command("audit_technician_days", *options, stdout=out)
    except SystemExit as ended:
        return out.getvalue(), int(str(ended.code))
    return out.getvalue(), 0


@pytest.fixture
def noon():
    return timezone.now().replace(hour=12, minute=0, second=0, microsecond=0)


@pytest.fixture
def visit(noon):
    """Return a visit tomorrow at noon (UTC), with somebody on it."""
    return make_appointment(technician=make_technician(), starts_at=noon + DAY)


def test_days_that_are_right_are_left_alone(visit) -> None:
    said, code = audit()

    assert code == 0
    assert "Every technician's day" in said


@pytest.mark.parametrize(
    "spoil",
    [
        "DELETE FROM appointments_technicianday",
        "UPDATE appointments_technicianday SET stops = ''",
        "UPDATE appointments_technicianday SET stops = stops || stops",
        "UPDATE appointments_technicianday SET day = day + 9",
    ],
)
def test_what_differs_is_named_and_repaired(visit, spoil) -> None:
    with connection.cursor() as cursor:
        cursor.execute(spoil)

    said, code = audit()
    assert code == 1
    assert str(visit.assignments.get().technician_id) in said
    assert packed_days() != expected_days()

    said, code = audit("--repair")
    assert code == 1
    assert "Repaired" in said

    assert audit()[1] == 0
    assert packed_days() == expected_days()


def test_what_went_past_the_triggers_is_found(visit) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(
            "UPDATE appointments_assignment"
            " SET occupied_until = occupied_until + interval '1 hour'"
        )

    assert audit()[1] == 1


def test_a_day_over_midnight_is_looked_at_on_both_sides(noon) -> None:
    technician = make_technician()
    make_appointment(
        technician=technician,
        starts_at=noon + 11 * HOUR,
        ends_at=noon + 13 * HOUR,
    )
    TechnicianDay.objects.filter(day=(noon + DAY).date()).delete()

    said, _ = audit()

    assert f"{technician.pk} {(noon + DAY).date()} is missing" in said


def test_days_long_over_may_be_missing(noon) -> None:
    make_appointment(technician=make_technician(), starts_at=noon - 4 * DAY)
    TechnicianDay.objects.all().delete()

    assert audit()[1] == 0


@pytest.mark.parametrize(("days_ago", "kept"), [(0, True), (3, True), (4, False)])
def test_housekeeping_forgets_days_gone_by(noon, days_ago, kept) -> None:
    make_appointment(technician=make_technician(), starts_at=noon - days_ago * DAY)

    prune(now=noon, budget=MINUTE)

    assert TechnicianDay.objects.exists() is kept
    assert Assignment.objects.exists()


def test_a_forgotten_day_comes_back_when_it_is_written_to(noon) -> None:
    visit = make_appointment(technician=make_technician(), starts_at=noon - 9 * DAY)
    prune(now=noon, budget=MINUTE)

    visit.assignments.update(occupied_until=noon - 9 * DAY + timedelta(hours=2))

    assert packed_days() == expected_days()

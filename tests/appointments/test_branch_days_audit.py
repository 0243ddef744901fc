"""`manage.py audit_days` finds what went past the triggers, and mends it."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection

from appointments.models import BranchDay
from tests.factories import make_appointment, make_technician

pytestmark = pytest.mark.django_db


def audit(*options: str) -> tuple[int, str]:
    """Return the exit code, and what is said."""
    out = StringIO()
    try:
        call_command("audit_days", *options, stdout=out)
    except SystemExit as end:
        return int(str(end.code)), out.getvalue()
    return 0, out.getvalue()


def test_a_right_account_is_found_right() -> None:
    make_appointment(technician=make_technician())

    code, said = audit()

    assert code == 0
    assert "are what the visits say" in said


def test_a_broken_day_is_found_and_repaired() -> None:
    visit = make_appointment()
    BranchDay.objects.filter(location=visit.location).update(visits=3, unassigned=0)

    found, told = audit()
    mended, _ = audit("--repair")
    afterwards, _ = audit()

    assert (found, mended, afterwards) == (1, 1, 0)
    assert f"{visit.location_id} 2027-03-02 scheduled USD" in told
    assert "visits +2, unassigned -1" in told


def test_rows_written_without_triggers_are_counted_by_the_repair() -> None:
    technician = make_technician()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in ("appointments_appointment", "appointments_assignment"):
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        make_appointment(technician=technician)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in ("appointments_appointment", "appointments_assignment"):
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
    assert not BranchDay.objects.exists()

    audit("--repair")

    assert audit()[0] == 0
    assert BranchDay.objects.filter(location=technician.location).count() == 2

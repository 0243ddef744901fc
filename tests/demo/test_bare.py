"""Tables do without their indexes for a while, and have the same ones afterwards."""

from io import StringIO

import pytest
from django.core.management.base import OutputWrapper
from django.db import IntegrityError, connection, transaction

from appointments.models import Appointment, Assignment
from config.demo.volume.bare import bare
from config.progress import Progress
from tests.factories import make_appointment, make_technician

pytestmark = pytest.mark.django_db
TABLES = (Appointment, Assignment)
DEFINITIONS = """
    SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)
    FROM pg_constraint WHERE conrelid = ANY(%(tables)s::regclass[])
    UNION ALL
    SELECT indrelid::regclass::text, '', pg_get_indexdef(indexrelid)
    FROM pg_index WHERE indrelid = ANY(%(tables)s::regclass[])
"""


def _definitions() -> set[tuple]:
    tables = [model._meta.db_table for model in TABLES]
    with connection.cursor() as cursor:
        cursor.execute(DEFINITIONS, {"tables": tables})
        return set(cursor.fetchall())


def _without_indexes():
    return bare(TABLES, progress=Progress(OutputWrapper(StringIO())))


def test_the_same_indexes_and_keys_come_back():
    before = _definitions()

    with _without_indexes():
        during = _definitions()

    gone = " ".join(definition for _, _, definition in before - during)
    assert all(part in gone for part in ("EXCLUDE", "FOREIGN KEY", "CREATE INDEX"))
    assert _definitions() == before


def test_a_double_booking_written_meanwhile_is_found_at_the_end():
    technician, before = make_technician(), _definitions()

    @transaction.atomic
    def book_twice() -> None:
        with _without_indexes():
            make_appointment(technician=technician)
            make_appointment(technician=technician)

    with pytest.raises(IntegrityError, match="technician_is_in_one_place"):
        book_twice()
    assert _definitions() == before

"""Changes of one technician take turns."""

import pytest

from core.actors import SYSTEM
from core.errors import VersionConflict
from core.models import Event
from technicians.models import Technician
from technicians.services import (
    ExceptionListed,
    ShiftExceptionForm,
    add_shift_exception,
    add_time_off,
    update_technician,
)
from tests.crowds import CROWD, at_once
from tests.factories import DAY, HOUR, NOW, TODAY, make_technician

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]


def test_of_many_who_read_one_version_one_may_write() -> None:
    technician = make_technician(shift=None)

    results = at_once(
        lambda n: update_technician(
            technician_id=technician.pk,
            changes={"name": f"Al {n}"},
            actor=SYSTEM,
            now=NOW,
            expected_version=1,
        )
    )

    (winner,) = (result for result in results if isinstance(result, Technician))
    refused = [result for result in results if isinstance(result, VersionConflict)]
    assert len(refused) == CROWD - 1
    technician.refresh_from_db()
    assert (technician.name, technician.version) == (winner.name, 2)


def test_an_exception_is_added_once() -> None:
    technician = make_technician(shift=None)

    results = at_once(
        lambda _: add_shift_exception(
            technician_id=technician.pk,
            form=ShiftExceptionForm(date=TODAY),
            actor=SYSTEM,
            now=NOW,
        )
    )

    refused = [result for result in results if isinstance(result, ExceptionListed)]
    assert len(refused) == CROWD - 1
    assert technician.shift_exceptions.count() == 1


def test_events_of_one_technician_are_numbered_without_a_gap() -> None:
    technician = make_technician(shift=None)

    at_once(
        lambda n: add_time_off(
            technician_id=technician.pk,
            starts_at=NOW + n * DAY,
            ends_at=NOW + n * DAY + HOUR,
            actor=SYSTEM,
            now=NOW,
        )
    )

    numbers = Event.objects.filter(aggregate_id=technician.pk).order_by("number")
    assert list(numbers.values_list("number", flat=True)) == list(range(1, CROWD + 1))

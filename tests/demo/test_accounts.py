"""What triggers keep is right in the demo too, which fills tables without them."""

import pytest

from appointments.models import Appointment, BranchDay
from appointments.services.branch_days import mistakes_in
from core.models import Location

pytestmark = pytest.mark.django_db


@pytest.mark.usefixtures("demo")
def test_the_small_demo_keeps_a_right_account() -> None:
    assert mistakes_in(location_id=None) == []
    assert sum(BranchDay.objects.values_list("visits", flat=True)) == (
        Appointment.objects.count()
    )


@pytest.mark.usefixtures("grown")
def test_the_large_demo_keeps_a_right_account() -> None:
    assert mistakes_in(location_id=None) == []
    counted = BranchDay.objects.values_list("location").distinct().count()
    assert counted == Location.objects.count() == 8
    assert sum(BranchDay.objects.values_list("visits", flat=True)) == (
        Appointment.objects.count()
    )

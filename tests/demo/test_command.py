"""`seed_demo`: once, whole, and only where it may."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from appointments.models import Appointment, Assignment
from config.demo.seeding import ForeignData
from core.models import Event, Location
from leads.models import Customer, Lead
from technicians.models import Technician
from tests.demo.conftest import NOW, run_seed
from tests.factories import make_location

pytestmark = pytest.mark.django_db
MODELS = (Location, Technician, Customer, Lead, Appointment, Assignment, Event)


def _counts() -> dict[str, int]:
    return {model.__name__: model.objects.count() for model in MODELS}


def _fingerprint() -> list[tuple]:
    return list(
        Appointment.objects.order_by("reference", "assignments__pk").values_list(
            "id",
            "reference",
            "status",
            "starts_at",
            "customer__name",
            "assignments__technician__name",
            "lead__reference",
        )
    )


def test_a_second_run_changes_nothing_and_says_so():
    first = run_seed()
    before = _counts()

    second = run_seed(now=NOW + timedelta(days=3))

    assert first.startswith("Seeded: 3 branches, 25 technicians")
    assert second.startswith("The demo is there already, nothing changed")
    assert _counts() == before


def test_the_same_seed_makes_the_same_company():
    made = []
    for _ in range(2):
        with transaction.atomic():
            run_seed()
            made.append(_fingerprint())
            transaction.set_rollback(True)

    assert made[0] == made[1]


def test_another_company_s_database_is_left_alone():
    make_location(code="somebody-else")

    with pytest.raises(ForeignData):
        run_seed()

    assert Location.objects.count() == 1


def test_production_is_refused(settings):
    settings.PRODUCTION = True

    with pytest.raises(CommandError, match="--allow-production"):
        call_command("seed_demo", stdout=StringIO())

    assert not Location.objects.exists()


def test_production_is_seeded_when_somebody_insists(settings):
    settings.PRODUCTION = True

    call_command(
        "seed_demo", "--allow-production", "--now", NOW.isoformat(), stdout=StringIO()
    )

    assert Location.objects.count() == 3


def test_progress_is_shown_step_by_step():
    out = StringIO()

    call_command("seed_demo", "--now", NOW.isoformat(), stdout=out)

    lines = out.getvalue().splitlines()
    assert lines[0].startswith("Branches")
    assert "[########################]" in lines[0]
    assert lines[-1].startswith("Seeded:")


@pytest.mark.parametrize("moment", ["yesterday", "2027-03-03T10:00:00"])
def test_now_needs_to_be_a_moment(moment):
    with pytest.raises(CommandError, match="--now"):
        call_command("seed_demo", "--now", moment)

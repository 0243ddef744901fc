"""A change of the roster strands nobody (R13): one case for each kind of change."""

import pytest

from appointments.models import Appointment
from core.actors import SYSTEM
from core.models import Event
from core.roster import OnConflict, Stranded, rehearse
from technicians import services
from technicians.models import TimeOff
from tests.factories import HOUR, NOW, TOMORROW, local, make_appointment

pytestmark = pytest.mark.django_db


@pytest.fixture
def visit(company) -> Appointment:
    """Return a visit of the company's technician, tomorrow from nine to ten."""
    return make_appointment(
        technician=company.technician,
        service=company.service,
        property=company.property,
    )


def away(company, starts_at, ends_at, on_conflict=OnConflict.REJECT):
    return services.add_time_off(
        technician_id=company.technician.pk,
        starts_at=starts_at,
        ends_at=ends_at,
        actor=SYSTEM,
        now=NOW,
        on_conflict=on_conflict,
    )


def test_time_off_over_a_visit_is_refused_with_the_list(company, visit) -> None:
    with pytest.raises(Stranded) as refused:
        away(company, local(TOMORROW, 8), local(TOMORROW, 12))

    assert refused.value.extra == {
        "conflicts": [
            {
                "id": str(visit.pk),
                "reference": visit.reference,
                "starts_at": "2027-03-02T09:00:00-07:00",
                "time_zone": "America/Phoenix",
                "technician": str(company.technician.pk),
                "reason": "time_off",
            }
        ],
        "total": 1,
    }
    assert not TimeOff.objects.exists()
    assert not Event.objects.exists()


def test_a_rehearsal_shows_it_and_stores_nothing(company, visit) -> None:
    found = rehearse(lambda: away(company, local(TOMORROW, 8), local(TOMORROW, 12)))

    assert [one["id"] for one in found["conflicts"]] == [str(visit.pk)]
    assert not TimeOff.objects.exists()
    assert visit.assignments.count() == 1


def test_a_rehearsal_of_what_strands_nobody_stores_nothing(company, visit) -> None:
    found = rehearse(lambda: away(company, local(TOMORROW, 10), local(TOMORROW, 12)))

    assert found == {"conflicts": [], "total": 0}
    assert not TimeOff.objects.exists()
    assert not Event.objects.exists()


def test_unassigning_stores_both(company, visit) -> None:
    absence = away(
        company, local(TOMORROW, 8), local(TOMORROW, 12), OnConflict.UNASSIGN
    )

    assert list(TimeOff.objects.all()) == [absence]
    assert list(Appointment.objects.unassigned()) == [visit]
    told = Event.objects.get(name="appointment.unassigned")
    assert told.reason == "The roster has changed: time off"
    assert told.data["previous"]["technicians"] == [str(company.technician.pk)]


@pytest.mark.parametrize(("starts", "ends"), [(10, 12), (8, 9)])
def test_time_off_beside_a_visit_strands_nobody(company, visit, starts, ends) -> None:
    away(company, local(TOMORROW, starts), local(TOMORROW, ends))

    assert TimeOff.objects.count() == 1
    assert visit.assignments.count() == 1


@pytest.mark.parametrize("status", ["en_route", "on_site", "completed", "cancelled"])
def test_what_has_begun_or_ended_is_not_in_the_way(company, visit, status) -> None:
    Appointment.objects.update(status=status, cancellation_reason="Rain")

    away(company, NOW, NOW + 100 * HOUR)

    assert TimeOff.objects.count() == 1

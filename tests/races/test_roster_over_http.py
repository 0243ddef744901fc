"""Changes of the roster against bookings: whoever comes second learns of the first."""

from collections.abc import Callable

import pytest

from appointments.models import Appointment, Assignment
from tests.factories import make_service
from tests.races.audit import audit
from tests.races.conftest import Company, make_company
from tests.races.crowd import Call, day_off, deactivate, tally, time_off

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]

Change = Callable[..., Call]
ROUNDS = (0, 3)  # how early the change comes


def morning_off(company: Company, **given: str) -> Call:
    return time_off(
        company.technicians[0].pk,
        starts_at=company.at(7),
        ends_at=company.at(12),
        **given,
    )


def whole_day_off(company: Company, **given: str) -> Call:
    return day_off(company.technicians[0].pk, day=company.day, **given)


def gone_for_good(company: Company, **given: str) -> Call:
    return deactivate(company.technicians[0].pk, **given)


CHANGES = pytest.mark.parametrize(
    "change", [morning_off, whole_day_off, gone_for_good], ids=lambda f: f.__name__
)


@CHANGES
@pytest.mark.parametrize("number", ROUNDS)
def test_a_change_that_would_strand_visits_or_bookings_that_come_too_late(
    crowd, change: Change, number: int
) -> None:
    company = make_company()
    buyers = company.buyers(10, of=make_service(), at=company.at(8))
    first, then = buyers[: 2 * number], buyers[2 * number :]

    answers = crowd.at_once([*first, change(company), *then])

    booked = tally(answers)[201] - (change is not gone_for_good)
    (roster,) = [a for a in answers if a.call.path.startswith("/technicians")]
    if roster.code == "conflicts":
        assert Appointment.objects.count() == 2
    else:
        assert roster.status in {200, 201}
        assert booked == Appointment.objects.count() == 0
    audit(answers)


@CHANGES
@pytest.mark.parametrize("number", ROUNDS)
def test_a_change_that_takes_booked_visits_off_leaves_none_behind(
    crowd, change: Change, number: int
) -> None:
    company = make_company()
    buyers = company.buyers(10, of=make_service(), at=company.at(8))
    first, then = buyers[: 2 * number], buyers[2 * number :]

    answers = crowd.at_once(
        [*first, change(company, on_conflict="unassign"), *then],
    )

    assert set(tally(answers)) <= {200, 201, "slot_unavailable"}
    # Told no customer: the visits that were booked stand, but nobody is on them.
    visits = Appointment.objects.all()
    assert {visit.status for visit in visits} <= {"scheduled"}
    assert not Assignment.objects.holding().exists()
    audit(answers)

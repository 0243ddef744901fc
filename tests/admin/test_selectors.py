"""What the first page and the search box ask of the database."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from appointments.models import Appointment
from appointments.rules.load import load_of
from appointments.rules.states import Status, Step
from appointments.selectors.crew_days import crew_days
from appointments.selectors.dashboard import branch_figures, unassigned_ahead
from appointments.selectors.search import visits_matching
from appointments.selectors.today import coming_up, needs_a_hand
from core.actors import SYSTEM, Actor, Role
from core.intervals import Interval
from tests.factories import (
    DAY,
    HOUR,
    NOW,
    TODAY,
    TOMORROW,
    local,
    make_appointment,
    make_customer,
    make_location,
    make_property,
    make_technician,
    make_time_off,
)

pytestmark = pytest.mark.django_db
NEW_YORK = ZoneInfo("America/New_York")


@pytest.mark.parametrize(
    "term",
    [
        "V-7K2M9Q",
        "v-7k2m",
        "7K2M9QXT",
        "okaf",
        "602 555-0147",
        "5550147",
        "ann@example.com",
        "Cactus",
        "85016",
    ],
)
def test_a_visit_is_found_by_whatever_a_caller_can_say(term) -> None:
    customer = make_customer(
        name="Ann Okafor", phone="+16025550147", email="ann@example.com"
    )
    address = make_property(
        customer=customer, line1="12 Cactus Rd", postal_code="85016"
    )
    wanted = make_appointment(property=address, reference="V-7K2M9QXT")
    make_appointment(reference="V-99999999")

    found = visits_matching(Appointment.objects.all(), term=term)

    assert list(found) == [wanted]


@pytest.mark.parametrize("term", ["a", "zz", "00000", "%", "nobody"])
def test_what_nobody_said_finds_nothing(term) -> None:
    make_appointment(reference="V-7K2M9QXT")

    assert not visits_matching(Appointment.objects.all(), term=term).exists()


def test_counts_are_of_the_branchs_own_day() -> None:
    phoenix = make_location()
    new_york = make_location(time_zone=NEW_YORK)
    # 23:30 in Phoenix is 01:30 of the next day in New York.
    now = local(TODAY, 23, 30)
    make_appointment(location=phoenix, starts_at=local(TODAY, 9))
    make_appointment(location=new_york, starts_at=local(TODAY, 9, zone=NEW_YORK))
    tomorrow = local(TOMORROW, 9, zone=NEW_YORK)
    make_appointment(location=new_york, starts_at=tomorrow)

    found = branch_figures(actor=SYSTEM, now=now)

    figures = {branch.id: branch.days[0] for branch in found}
    assert (figures[phoenix.pk].visits, figures[phoenix.pk].late) == (1, 1)
    assert (figures[new_york.pk].visits, figures[new_york.pk].late) == (1, 0)


def test_counts_tell_the_states_apart() -> None:
    technician = make_technician()
    branch = technician.location
    at_nine = local(TODAY, 9)
    make_appointment(technician=technician, starts_at=at_nine)
    make_appointment(location=branch, starts_at=at_nine)
    make_appointment(location=branch, starts_at=at_nine, status=Status.EN_ROUTE)
    make_appointment(location=branch, starts_at=at_nine, status=Status.COMPLETED)
    make_appointment(
        location=branch,
        starts_at=at_nine,
        status=Status.CANCELLED,
        cancellation_reason="moved away",
    )

    (found,) = branch_figures(actor=SYSTEM, now=NOW)

    day = found.days[0]
    assert (day.visits, day.done) == (4, 1)
    assert (day.unassigned, day.under_way, day.late) == (2, 1, 0)


def test_a_declined_visit_is_unassigned_again() -> None:
    technician = make_technician()
    visit = make_appointment(technician=technician)
    assigned = unassigned_ahead(actor=SYSTEM, now=NOW)

    visit.assignments.update(status=Step.DECLINED, released_at=NOW)

    assert assigned == 0
    assert unassigned_ahead(actor=SYSTEM, now=NOW) == 1


def test_unassigned_visits_are_counted_from_the_branchs_own_today_on() -> None:
    mine, other = make_location(), make_location()
    for day in (TODAY - DAY, TODAY, TOMORROW):
        make_appointment(location=mine, starts_at=local(day, 9))
    make_appointment(location=other)
    actor = Actor(role=Role.VIEWER, label="V", location_ids=frozenset({mine.pk}))

    assert unassigned_ahead(actor=actor, now=local(TODAY, 23, 30)) == 2
    assert unassigned_ahead(actor=SYSTEM, now=local(TODAY, 23, 30)) == 3


def test_late_visits_come_before_unassigned_ones() -> None:
    technician = make_technician()
    branch = technician.location
    nobody = make_appointment(location=branch, starts_at=local(TODAY, 8))
    late = make_appointment(technician=technician, starts_at=local(TODAY, 9))
    make_appointment(technician=technician, starts_at=local(TODAY, 14))
    now = local(TODAY, 11, 30)

    found = needs_a_hand(actor=SYSTEM, locations=[branch], now=now)

    assert [visit.pk for visit in found] == [nobody.pk, late.pk]


def test_only_what_lies_ahead_is_coming_up() -> None:
    branch = make_location()
    make_appointment(location=branch, starts_at=local(TODAY, 8))
    ahead = make_appointment(location=branch, starts_at=local(TODAY, 14))
    make_appointment(location=branch, starts_at=local(TOMORROW, 8))

    found = coming_up(actor=SYSTEM, locations=[branch], now=local(TODAY, 12))

    assert list(found) == [ahead]


def test_a_crew_day_shows_shift_absence_visits_and_load() -> None:
    technician = make_technician(shift=(8, 16))
    make_time_off(
        technician=technician,
        starts_at=local(TODAY, 14),
        ends_at=local(TODAY, 18),
    )
    make_appointment(technician=technician, starts_at=local(TODAY, 9))
    make_appointment(technician=technician, starts_at=local(TOMORROW, 9))

    (row,) = crew_days(actor=SYSTEM, locations=[technician.location], now=NOW)

    assert len(row.visits) == 1
    assert (row.load.booked_minutes, row.load.shift_minutes) == (60, 360)
    assert row.load.percent == 17


def test_crew_days_ask_the_same_for_one_and_for_many(
    django_assert_num_queries,
) -> None:
    branches = [make_location(), make_location(time_zone=NEW_YORK)]
    for n in range(6):
        technician = make_technician(location=branches[n % 2])
        make_appointment(technician=technician, starts_at=local(TODAY, 12))

    with django_assert_num_queries(6):
        rows = crew_days(actor=SYSTEM, locations=branches, now=NOW)
        assert [row.visits[0].visit.customer.name for row in rows]


def test_a_dispatcher_sees_the_crew_of_his_branches() -> None:
    mine, other = make_technician(), make_technician()
    actor = Actor(
        role=Role.DISPATCHER, label="D", location_ids=frozenset({mine.location_id})
    )
    branches = [mine.location, other.location]

    rows = crew_days(actor=actor, locations=branches, now=NOW)

    assert [row.technician for row in rows] == [mine]


def _interval(start: int, end: int) -> Interval:
    midnight = datetime.combine(date(2027, 3, 1), datetime.min.time(), tzinfo=UTC)
    return Interval(midnight + start * HOUR, midnight + end * HOUR)


@pytest.mark.parametrize(
    ("away", "offered"),
    [([], 8), ([(7, 9)], 7), ([(10, 12), (11, 13)], 5), ([(0, 24)], 0)],
)
def test_time_away_is_not_offered(away, offered) -> None:
    load = load_of(
        day=_interval(0, 24),
        shifts=[_interval(8, 16)],
        away=[_interval(*span) for span in away],
        work=[],
    )

    assert load.shift_minutes == offered * 60


def test_a_night_shift_counts_only_with_its_part_of_the_day() -> None:
    day = _interval(0, 24)
    night = Interval(day.start - 2 * HOUR, day.start + 6 * HOUR)

    load = load_of(day=day, shifts=[night], away=[], work=[night])

    assert (load.shift_minutes, load.booked_minutes, load.percent) == (360, 360, 100)


def test_work_without_a_shift_is_more_than_full() -> None:
    day = Interval(NOW, NOW + DAY)
    job = Interval(NOW, NOW + timedelta(minutes=30))

    assert load_of(day=day, shifts=[], away=[], work=[job]).percent == 100
    assert load_of(day=day, shifts=[], away=[], work=[]).percent == 0

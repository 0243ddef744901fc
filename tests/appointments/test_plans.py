"""Maintenance plans: what the generator books, and what it says where it cannot."""

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import IntegrityError, transaction

from appointments import services
from appointments.models import Appointment, MaintenancePlan, PlanOccurrence
from appointments.rules.plans import Tolerance
from appointments.rules.states import Status
from appointments.services import plans
from appointments.services.plans import Outcome
from core.actors import SYSTEM
from core.models import Event
from core.services import publish_waiting
from technicians.models import WeeklyShift
from tests.appointments.conftest import Company, make_company
from tests.appointments.planned import away, events_of, occurrence_of, plan_of, visit_of
from tests.crowds import at_once
from tests.factories import (
    DAY,
    NOW,
    TODAY,
    local,
    make_location,
    make_plan,
    make_property,
    make_season,
    make_service,
    make_technician,
    make_zone,
)

TUESDAY = date(2027, 3, 2)
LAST_DAY = date(2027, 4, 30)


@pytest.fixture
def plan(company: Company) -> MaintenancePlan:
    """Return a plan that is best on Tuesdays at eight, March to April."""
    return plan_of(company)


def generate(now: datetime = NOW, **given) -> Counter[Outcome]:
    return +plans.generate(now=now, **given)


# --- What is booked ------------------------------------------------------------


def test_books_the_wished_weekday_and_time(plan) -> None:
    outcomes = generate()

    visit = visit_of(plan)
    assert outcomes == {Outcome.OPENED: 1, Outcome.BOOKED: 1}
    assert visit.window_starts_at == local(TUESDAY, 8)
    assert (visit.source, visit.customer) == ("plan", plan.customer)
    assert events_of(plan) == ["plan.occurrence_booked"]


def test_runs_three_times_and_books_once(plan) -> None:
    outcomes = [generate(), generate(), generate(NOW + DAY)]

    assert outcomes[1:] == [Counter(), Counter()]
    assert Appointment.objects.count() == 1
    assert events_of(plan) == ["plan.occurrence_booked"]


def test_each_year_brings_its_visits(company) -> None:
    plan = plan_of(company, make_season(), make_season("fall", (9, 1), (10, 31)))
    days = [NOW + n * 30 * DAY for n in range(22)]  # to November 2028

    for now in days:
        generate(now)

    booked = plan.occurrences.filter(state="booked").order_by("first_day")
    assert list(booked.values_list("period", flat=True)) == [
        "2027-spring",
        "2027-fall",
        "2028-spring",
        "2028-fall",
    ]


def test_nothing_happens_before_the_period_is_within_the_horizon(company) -> None:
    company.service.horizon_days = 14
    company.service.save()
    plan = plan_of(company, make_season(first=(3, 16), last=(4, 30)))

    too_early = generate()
    in_time = generate(NOW + DAY)  # March 2nd + 14 days = March 16th, a Tuesday

    assert too_early == Counter()
    assert in_time[Outcome.BOOKED] == 1
    assert visit_of(plan).starts_at == local(date(2027, 3, 16), 8)


def test_until_narrows_what_is_opened(plan) -> None:
    assert generate(until=date(2027, 2, 28)) == Counter()
    assert generate(until=TODAY)[Outcome.BOOKED] == 1


def test_a_second_choice_waits_until_the_period_is_all_in_sight(company) -> None:
    """Booked solid on the Tuesdays of the first weeks, better ones may still come."""
    company.service.horizon_days = 30
    company.service.save()
    plan = plan_of(company)
    away(company, TUESDAY, date(2027, 3, 31))

    first = generate()
    later = generate(NOW + 8 * DAY)  # March 9th: sees April 8th, and Tuesday the 6th

    assert first == {Outcome.OPENED: 1, Outcome.WAITS: 1}
    assert later == {Outcome.BOOKED: 1}
    assert visit_of(plan).starts_at == local(date(2027, 4, 6), 8)


def test_takes_the_time_on_another_day_where_tuesdays_are_full(company) -> None:
    plan = plan_of(company)
    WeeklyShift.objects.filter(technician=company.technician, weekday=1).delete()

    generate()

    # Monday the 1st is as near to Tuesday as Wednesday is: the first counts.
    starts = visit_of(plan).window_starts_at
    assert starts == local(TODAY, 8)


def test_takes_another_time_where_mornings_are_full(company) -> None:
    plan = plan_of(company)
    WeeklyShift.objects.filter(technician=company.technician).update(starts=time(12))

    generate()

    assert visit_of(plan).starts_at == local(TUESDAY, 12)


def test_sends_the_preferred_technician_where_he_can(company) -> None:
    liked = make_technician(location=company.branch)
    plan = plan_of(company, technician=liked)

    generate()

    visit = visit_of(plan)
    assert visit.assignments.get().technician == liked


def test_sends_another_where_the_preferred_one_is_never_there(company) -> None:
    liked = make_technician(location=company.branch, is_active=False)
    plan = plan_of(company, technician=liked)

    generate()

    visit = visit_of(plan)
    assert visit.assignments.get().technician == company.technician


def test_wall_time_is_kept_over_the_change_of_the_clock(db) -> None:
    new_york = ZoneInfo("America/New_York")
    branch = make_location(time_zone=new_york)
    make_zone("10001", location=branch)
    make_technician(location=branch)
    plan = make_plan(
        make_season("before", (3, 1), (3, 10)),
        make_season("after", (3, 15), (4, 30)),
        location=branch,
        property=make_property(postal_code="10001"),
    )

    generate()

    starts = [
        visit_of(plan, period).window_starts_at
        for period in ("2027-before", "2027-after")
    ]
    # 08:00 EST is 13:00 UTC on March 2nd; 08:00 EDT is 12:00 UTC on the 16th.
    assert starts == [
        datetime(2027, 3, 2, 13, tzinfo=UTC),
        datetime(2027, 3, 16, 12, tzinfo=UTC),
    ]


@pytest.mark.parametrize(
    ("night", "now", "instant"),
    [
        # 02:30 is skipped on March 14th: read before the jump, it is 07:30 UTC.
        (
            (3, 14),
            datetime(2027, 3, 10, tzinfo=UTC),
            datetime(2027, 3, 14, 7, 30, tzinfo=UTC),
        ),
        # 01:30 comes twice on November 7th: the first is EDT, 05:30 UTC.
        (
            (11, 7),
            datetime(2027, 11, 3, tzinfo=UTC),
            datetime(2027, 11, 7, 5, 30, tzinfo=UTC),
        ),
    ],
)
def test_books_on_the_nights_of_the_clock(db, night, now, instant) -> None:
    """An emergency-class service by exact start, on call around the clock."""
    branch = make_location(time_zone=ZoneInfo("America/New_York"))
    make_zone("10001", location=branch)
    technician = make_technician(location=branch, shift=None)
    WeeklyShift.objects.bulk_create(
        WeeklyShift(
            technician=technician,
            location=branch,
            weekday=day,
            starts=time(22),
            ends=time(6),
        )
        for day in range(7)
    )
    day = date(2027, *night)
    first, last = day - 6 * DAY, day
    plan = make_plan(
        make_season(
            "night",
            (first.month, first.day),
            (last.month, last.day),
            weekday=day.weekday(),
            starts=time(2, 30) if night == (3, 14) else time(1, 30),
        ),
        location=branch,
        service=make_service(booking_mode="exact", is_emergency=True),
        property=make_property(postal_code="10001"),
        tolerance=Tolerance.EXACT,
    )

    generate(now)

    assert visit_of(plan, "2027-night").starts_at == instant


def test_leap_day_is_a_day_like_others(company) -> None:
    plan = plan_of(company, make_season("leap", (2, 22), (2, 29)))

    generate(local(date(2028, 2, 20), 8))

    occurrence = occurrence_of(plan, "2028-leap")
    assert occurrence.last_day == date(2028, 2, 29)
    # February 29th 2028 is a Tuesday, and so is the 22nd, which is nearer.
    assert visit_of(plan, "2028-leap").starts_at == local(date(2028, 2, 22), 8)


# --- What cannot be booked -------------------------------------------------------


def test_a_conflict_is_reported_once_and_heals_by_itself(company) -> None:
    plan = plan_of(company)
    away(company, TODAY, LAST_DAY)

    outcomes = [generate(), generate(), generate()]
    conflict = occurrence_of(plan)
    company.technician.time_offs.all().delete()
    healed = generate()

    assert outcomes[0] == {Outcome.OPENED: 1, Outcome.CONFLICT: 1}
    assert outcomes[1:] == [{Outcome.CONFLICT: 1}] * 2
    assert (conflict.state, conflict.reason) == ("conflict", "time_off")
    assert healed == {Outcome.BOOKED: 1}
    booked = occurrence_of(plan)
    assert (booked.state, booked.reason, booked.alternatives) == ("booked", "", [])
    assert events_of(plan) == ["plan.occurrence_conflict", "plan.occurrence_booked"]


def test_conflicts_are_each_occurrence_s_own(company) -> None:
    """A vacation in fall does not keep spring from being booked."""
    company.service.horizon_days = 300
    company.service.save()
    plan = plan_of(company, make_season(), make_season("fall", (9, 1), (10, 31)))
    away(company, date(2027, 9, 1), date(2027, 10, 31))

    generate()

    assert occurrence_of(plan).state == "booked"
    fall = occurrence_of(plan, "2027-fall")
    assert (fall.state, fall.reason) == ("conflict", "time_off")


def test_a_conflict_names_what_was_on_offer_beyond_the_tolerance(company) -> None:
    plan = plan_of(company, tolerance=Tolerance.EXACT)
    WeeklyShift.objects.filter(technician=company.technician, weekday=1).delete()

    generate()

    occurrence = occurrence_of(plan)
    assert (occurrence.state, occurrence.reason) == ("conflict", "off_shift")
    assert occurrence.alternatives == [
        f"2027-03-{day}T08:00:00-07:00" for day in ("01", "03", "04", "05", "06")
    ]


@pytest.mark.parametrize(
    ("thing", "reason"),
    [("service", "service_inactive"), ("branch", "branch_inactive")],
)
def test_what_is_no_longer_sold_is_a_conflict(company, plan, thing, reason) -> None:
    closed = getattr(company, thing)
    closed.is_active = False
    closed.save()

    generate()

    assert occurrence_of(plan).reason == reason


def test_a_weekday_that_is_over_is_beyond_the_tolerance(company) -> None:
    """The period ends on Monday, April 5th; asked on Wednesday, March 31st."""
    plan = plan_of(company, make_season(last=(4, 5)), tolerance=Tolerance.EXACT)

    generate(local(date(2027, 3, 31), 8))

    assert occurrence_of(plan).reason == "beyond_tolerance"


def test_a_period_that_went_by_is_skipped(company, plan) -> None:
    away(company, TODAY, LAST_DAY)
    generate()

    outcomes = generate(local(LAST_DAY + DAY, 0))

    assert outcomes == {Outcome.OVER: 1}
    occurrence = occurrence_of(plan)
    assert (occurrence.state, occurrence.reason) == ("skipped", "period_over")


def test_what_was_tried_lately_is_left_in_peace(company, plan) -> None:
    away(company, TODAY, LAST_DAY)
    generate()
    hour = timedelta(hours=1)

    assert generate(NOW + hour / 2, untried_since=NOW - hour / 2) == Counter()
    assert generate(NOW + 2 * hour, untried_since=NOW + hour) == {Outcome.CONFLICT: 1}


def test_no_more_are_tried_than_asked_for_and_the_untried_come_first(company) -> None:
    made = [plan_of(company, property=make_property()) for _ in range(3)]
    away(company, TODAY, LAST_DAY)

    outcomes = [generate(NOW + n * DAY / 24, most=2) for n in range(2)]

    assert [each[Outcome.CONFLICT] for each in outcomes] == [2, 2]
    tried = PlanOccurrence.objects.filter(plan__in=made, tried_at=None)
    assert not tried.exists()


# --- Paused, ended, amended --------------------------------------------------------


def test_a_paused_plan_books_nothing_until_it_is_resumed(plan) -> None:
    plans.pause(plan_id=plan.pk, actor=SYSTEM, now=NOW)

    paused = generate()
    plans.resume(plan_id=plan.pk, actor=SYSTEM, now=NOW)
    resumed = generate()

    assert paused == Counter()
    assert resumed[Outcome.BOOKED] == 1
    assert events_of(plan)[:2] == ["plan.paused", "plan.resumed"]


def test_pausing_twice_is_pausing_once(plan) -> None:
    plans.pause(plan_id=plan.pk, actor=SYSTEM, now=NOW)

    paused = plans.pause(plan_id=plan.pk, actor=SYSTEM, now=NOW)

    assert (paused.state, paused.version) == ("paused", 2)
    assert events_of(plan) == ["plan.paused"]


def test_an_ended_plan_skips_what_waits_and_keeps_what_is_booked(company) -> None:
    company.service.horizon_days = 300
    company.service.save()
    plan = plan_of(company, make_season(), make_season("fall", (9, 1), (10, 31)))
    away(company, date(2027, 9, 1), date(2027, 10, 31))
    generate()

    plans.end(plan_id=plan.pk, actor=SYSTEM, now=NOW)

    assert visit_of(plan).status == "scheduled"
    fall = occurrence_of(plan, "2027-fall")
    assert (fall.state, fall.reason) == ("skipped", "plan_ended")
    assert generate(NOW + 200 * DAY) == Counter()


@pytest.mark.parametrize("step", [plans.pause, plans.resume])
def test_an_ended_plan_stays_ended(plan, step) -> None:
    plans.end(plan_id=plan.pk, actor=SYSTEM, now=NOW)

    with pytest.raises(services.InvalidTransition) as refused:
        step(plan_id=plan.pk, actor=SYSTEM, now=NOW)

    assert refused.value.extra["allowed"] == []


def test_amended_seasons_count_for_what_is_not_booked_yet(company, plan) -> None:
    away(company, TODAY, LAST_DAY)
    generate()
    company.technician.time_offs.all().delete()

    plans.amend(
        plan_id=plan.pk,
        changes={"seasons": [make_season(weekday=4, starts=time(14))]},
        actor=SYSTEM,
        now=NOW,
    )
    generate()

    # March 5th is the first Friday.
    visit = visit_of(plan)
    assert visit.window_starts_at == local(date(2027, 3, 5), 14)


def test_a_season_with_another_name_brings_no_second_visit(plan) -> None:
    generate()
    renamed = make_season("early", (3, 1), (4, 30))

    plans.amend(plan_id=plan.pk, changes={"seasons": [renamed]}, actor=SYSTEM, now=NOW)
    again = generate()

    assert again == Counter()
    assert Appointment.objects.count() == 1


def test_a_plan_needs_seasons_that_go_together(company) -> None:
    form = plans.PlanForm(
        property=company.property,
        service=company.service,
        seasons=[make_season(), make_season("late", (4, 30), (5, 20))],
    )

    with pytest.raises(plans.BadSeasons), transaction.atomic():
        plans.create(form=form, actor=SYSTEM, now=NOW)

    assert not MaintenancePlan.objects.exists()


def test_a_new_plan_is_of_the_branch_that_serves_the_address(company, hints) -> None:
    form = plans.PlanForm(
        property=company.property, service=company.service, seasons=[make_season()]
    )

    plan = plans.create(form=form, actor=SYSTEM, now=NOW)

    assert (plan.location, plan.valid_from) == (company.branch, TODAY)
    assert events_of(plan) == ["plan.created"]


# --- By hand, and what the visit's end means ---------------------------------------


def test_a_dispatcher_books_by_hand(company, plan) -> None:
    away(company, TODAY, LAST_DAY)
    generate()

    occurrence = plans.book_occurrence(
        occurrence_id=occurrence_of(plan).pk,
        starts_at=datetime(2027, 5, 1, 8),  # noqa: DTZ001  # by the branch's clock
        actor=SYSTEM,
        now=NOW + 10 * DAY,
    )

    assert occurrence.state == "booked"
    assert visit_of(plan).starts_at == local(date(2027, 5, 1), 8)


def test_what_is_booked_is_not_booked_again(plan) -> None:
    generate()

    with pytest.raises(services.InvalidTransition):
        plans.book_occurrence(
            occurrence_id=occurrence_of(plan).pk,
            starts_at=local(TUESDAY + DAY, 8),
            actor=SYSTEM,
            now=NOW,
        )

    assert Appointment.objects.count() == 1


def test_a_start_that_is_not_offered_changes_nothing(company, plan) -> None:
    away(company, TODAY, LAST_DAY)
    generate()

    with pytest.raises(services.SlotUnavailable), transaction.atomic():
        plans.book_occurrence(
            occurrence_id=occurrence_of(plan).pk,
            starts_at=local(TUESDAY, 8),
            actor=SYSTEM,
            now=NOW,
        )

    assert occurrence_of(plan).state == "conflict"


def test_a_skipped_visit_stays_skipped_until_it_is_tried_again(company, plan) -> None:
    away(company, TODAY, LAST_DAY)
    generate()
    own: dict[str, Any] = {
        "occurrence_id": occurrence_of(plan).pk,
        "actor": SYSTEM,
        "now": NOW,
    }
    company.technician.time_offs.all().delete()

    skipped = plans.skip_occurrence(**own, reason="Moved house")
    left_alone = generate()
    tried = plans.retry_occurrence(**own)

    assert (skipped.reason, skipped.note) == ("by_office", "Moved house")
    assert left_alone == Counter()
    assert (tried.state, tried.reason, tried.note) == ("booked", "", "")
    assert events_of(plan) == [
        "plan.occurrence_conflict",
        "plan.occurrence_skipped",
        "plan.occurrence_due",
        "plan.occurrence_booked",
    ]


def test_a_cancelled_visit_waits_for_a_dispatcher(plan) -> None:
    generate()
    visit = visit_of(plan)

    services.cancel(appointment_id=visit.pk, reason="Ill", actor=SYSTEM, now=NOW)
    publish_waiting(budget=timedelta(seconds=9))

    occurrence = occurrence_of(plan)
    assert (occurrence.state, occurrence.reason) == ("skipped", "visit_cancelled")
    assert generate() == Counter()
    assert list(MaintenancePlan.objects.needing_attention()) == [plan]


def test_a_cancelled_visit_is_booked_anew_where_a_dispatcher_says_so(plan) -> None:
    generate()
    first = visit_of(plan)
    services.cancel(appointment_id=first.pk, reason="Ill", actor=SYSTEM, now=NOW)
    publish_waiting(budget=timedelta(seconds=9))

    plans.retry_occurrence(occurrence_id=occurrence_of(plan).pk, actor=SYSTEM, now=NOW)

    assert occurrence_of(plan).state == "booked"
    assert visit_of(plan) != first
    assert not MaintenancePlan.objects.needing_attention().exists()


def test_a_completed_visit_is_done(plan) -> None:
    generate()
    visit = visit_of(plan)

    for status in ("on_site", "completed"):
        services.change_status(
            appointment_id=visit.pk,
            to=Status(status),
            actor=SYSTEM,
            now=local(TUESDAY, 8),
        )
    publish_waiting(budget=timedelta(seconds=9))

    assert occurrence_of(plan).state == "done"
    assert events_of(plan)[-1] == "plan.occurrence_done"


# --- What the database refuses -----------------------------------------------------


@pytest.mark.parametrize(
    ("period", "first", "last", "breach"),
    [
        ("2027-spring", TODAY + 200 * DAY, TODAY + 220 * DAY, "opened_once"),
        ("2027-other", LAST_DAY, LAST_DAY + 20 * DAY, "do_not_overlap"),
        ("2027-other", LAST_DAY + DAY, LAST_DAY, "has_days"),
    ],
)
def test_the_database_refuses_a_period_twice(plan, period, first, last, breach) -> None:
    generate()

    with pytest.raises(IntegrityError, match=breach), transaction.atomic():
        plan.occurrences.create(
            period=period, first_day=first, last_day=last, starts=time(8)
        )


# --- Two at once ------------------------------------------------------------------


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_two_runs_at_once_book_each_period_once() -> None:
    company = make_company()
    make_technician(location=company.branch)
    made = [plan_of(company, property=make_property()) for _ in range(12)]

    opened = at_once(lambda _: plans.open_periods(now=NOW), count=4)
    outcomes = at_once(lambda _: plans.generate(now=NOW), count=4)
    outcomes.append(generate())  # whatever each thought that another was at

    assert sum(opened) == len(made)
    assert sum(each[Outcome.BOOKED] for each in outcomes) == len(made)
    assert Appointment.objects.count() == len(made)
    assert PlanOccurrence.objects.filter(state="booked").count() == len(made)
    booked = Event.objects.filter(name="plan.occurrence_booked")
    assert booked.count() == len(made)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_a_run_and_a_dispatcher_book_one_visit() -> None:
    company = make_company()
    for _ in range(5):
        plan = plan_of(company, property=make_property())
        plans.open_periods(now=NOW)
        occurrence = occurrence_of(plan)

        def work(number: int, own=occurrence) -> object:
            if number:
                return plans.generate(now=NOW)
            return plans.book_occurrence(
                occurrence_id=own.pk,
                starts_at=local(TUESDAY + 7 * DAY, 14),
                actor=SYSTEM,
                now=NOW,
            )

        at_once(work, count=2)
        visits = Appointment.objects.filter(property=plan.property)
        assert visits.count() == 1
        visits.get().assignments.all().delete()

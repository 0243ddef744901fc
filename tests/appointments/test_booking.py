"""Booking: what is offered can be booked, and nothing else."""

from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, transaction

from appointments import services
from appointments.models import Appointment, Assignment
from appointments.rules.slots import Reason
from appointments.selectors import capacity
from appointments.selectors.capacity import OutOfServiceArea
from appointments.services import BookingRequest, SlotUnavailable
from core.actors import SYSTEM, Actor, Role
from core.errors import NotFound
from core.models import Event, Holiday
from core.walltime import AmbiguousLocalTime, NonexistentLocalTime
from tests.factories import (
    HOUR,
    NOW,
    TODAY,
    TOMORROW,
    local,
    make_appointment,
    make_assignment,
    make_lead,
    make_location,
    make_property,
    make_service,
    make_skill,
    make_technician,
    make_time_off,
    make_zone,
)


def book(company, **given) -> Appointment:
    fields = {
        "service": company.service,
        "starts_at": local(TOMORROW, 8),
        "property": company.property,
    }
    actor = given.pop("actor", SYSTEM)
    return services.book(request=BookingRequest(**fields | given), actor=actor, now=NOW)


def refusal(company, **given) -> SlotUnavailable:
    with pytest.raises(SlotUnavailable) as refused:
        book(company, **given)
    return refused.value


def test_a_booking_promises_the_window_and_plans_the_work(company) -> None:
    visit = book(company)

    assert (visit.window_starts_at, visit.window_ends_at) == (
        local(TOMORROW, 8),
        local(TOMORROW, 10),
    )
    assert (visit.starts_at, visit.ends_at) == (local(TOMORROW, 8), local(TOMORROW, 9))
    assert visit.assignments.get().technician == company.technician


def test_a_booking_is_an_event(company) -> None:
    visit = book(company)

    event = Event.objects.get(aggregate_id=visit.pk)
    assert (event.name, event.number) == ("appointment.booked", 1)
    assert event.data["technicians"] == [str(company.technician.pk)]
    assert event.data["window_starts_at"] == "2027-03-02T08:00:00-07:00"


def test_two_one_hour_visits_share_a_window_of_one_technician_three_do_not(
    company,
) -> None:
    first, second = book(company), book(company, property=make_property())

    third = refusal(company, property=make_property())

    assert first.starts_at == local(TOMORROW, 8)
    assert second.starts_at == local(TOMORROW, 9)
    assert third.extra["reason"] == Reason.BUSY


def test_a_refusal_names_up_to_five_other_times(company) -> None:
    make_time_off(
        technician=company.technician,
        starts_at=local(TOMORROW, 8),
        ends_at=local(TOMORROW, 12),
    )

    alternatives = refusal(company).extra["alternatives"]

    assert len(alternatives) == 5
    assert alternatives[0]["starts_at"] == "2027-03-02T12:00:00-07:00"


def test_every_alternative_can_be_booked(company) -> None:
    book(company, starts_at=local(TOMORROW, 8))
    book(company, starts_at=local(TOMORROW, 8), property=make_property())
    offered = refusal(company, property=make_property()).extra["alternatives"]

    for slot in offered:
        start = datetime.fromisoformat(slot["starts_at"])
        visit = book(company, starts_at=start, property=make_property())
        assert visit.window_starts_at == start


@pytest.mark.parametrize(
    ("starts_at", "reason"),
    [
        (local(TOMORROW, 9), Reason.OFF_GRID),
        (local(TOMORROW, 7), Reason.CLOSED),
        (local(TODAY, 8), Reason.NOTICE),  # it is eight now
        (local(TOMORROW.replace(month=6), 8), Reason.HORIZON),
    ],
)
def test_a_start_that_is_not_offered_is_refused_with_its_reason(
    company, starts_at, reason
) -> None:
    if reason is Reason.NOTICE:
        company.service.notice_minutes = 180
        company.service.save()

    assert refusal(company, starts_at=starts_at).extra["reason"] == reason


def test_a_holiday_of_the_company_closes_every_branch(company) -> None:
    Holiday.objects.create(date=TOMORROW, name="Founders' day")

    assert refusal(company).extra["reason"] == Reason.HOLIDAY


def test_a_holiday_of_another_branch_does_not_matter(company) -> None:
    Holiday.objects.create(date=TOMORROW, name="Parade", location=make_location())

    assert book(company).status == "scheduled"


def test_only_the_skilled_are_sent(company) -> None:
    skill = make_skill()
    company.service.skills.add(skill)
    skilled = make_technician(location=company.branch, skills=[skill])

    visit = book(company)

    assert visit.assignments.get().technician == skilled


def test_without_anybody_skilled_the_reason_says_so(company) -> None:
    company.service.skills.add(make_skill())

    assert refusal(company).extra["reason"] == Reason.NO_SKILL


def test_a_chosen_technician_is_taken_or_refused(company) -> None:
    other = make_technician(location=company.branch)

    assert book(company, technician_id=other.pk).assignments.get().technician == other
    away = make_technician(location=company.branch, shift=None)
    assert refusal(company, technician_id=away.pk).extra["reason"] == Reason.OFF_SHIFT


def test_an_address_that_nobody_serves_is_out_of_the_area(company) -> None:
    with pytest.raises(OutOfServiceArea):
        book(company, property=make_property(postal_code="99501"))


def test_an_address_names_its_branch(company) -> None:
    elsewhere = make_location()
    make_zone("60601", location=elsewhere)
    make_technician(location=elsewhere)

    visit = book(company, property=make_property(postal_code="60601"))

    assert visit.location == elsewhere


def test_staff_book_for_their_own_branches_only(company) -> None:
    stranger = Actor(
        role=Role.DISPATCHER,
        label="Kim",
        location_ids=frozenset({make_location().pk}),
    )

    with pytest.raises(NotFound):
        book(company, actor=stranger)


def test_a_lead_becomes_a_customer_with_a_visit(company) -> None:
    lead = make_lead(line1="1 Elm St", city="Phoenix", region="AZ")

    visit = book(company, property=None, lead_id=lead.pk)

    lead.refresh_from_db()
    assert lead.status == "converted"
    assert visit.lead == lead
    assert visit.customer == lead.customer
    assert visit.property.line1 == "1 Elm St"


def test_a_refused_booking_leaves_the_lead_open(company) -> None:
    lead = make_lead(line1="1 Elm St", city="Phoenix", region="AZ")

    refusal(company, property=None, lead_id=lead.pk, starts_at=local(TOMORROW, 9))

    lead.refresh_from_db()
    assert lead.status == "new"
    assert not Appointment.objects.exists()


def test_local_times_are_read_by_the_wall_clock_of_the_branch(company) -> None:
    visit = book(company, starts_at=datetime(2027, 3, 2, 8))  # noqa: DTZ001

    assert visit.window_starts_at == datetime(2027, 3, 2, 15, tzinfo=UTC)


def test_local_times_that_do_not_exist_or_exist_twice_are_named(company) -> None:
    company.branch.time_zone = "America/New_York"
    company.branch.save()

    with pytest.raises(NonexistentLocalTime):
        book(company, starts_at=datetime(2027, 3, 14, 2, 30))  # noqa: DTZ001
    with pytest.raises(AmbiguousLocalTime):
        book(company, starts_at=datetime(2027, 11, 7, 1, 30))  # noqa: DTZ001


def test_the_database_refuses_a_double_booking_whoever_writes(company) -> None:
    visit = make_appointment(technician=company.technician, location=company.branch)
    overlapping = make_appointment(
        location=company.branch, starts_at=visit.starts_at + HOUR / 2
    )

    with pytest.raises(IntegrityError, match="technician_is_in_one_place"):
        make_assignment(appointment=overlapping, technician=company.technician)


def test_even_an_update_behind_our_back_cannot_double_book(company) -> None:
    one = make_appointment(technician=company.technician, starts_at=local(TOMORROW, 8))
    make_appointment(technician=company.technician, starts_at=local(TOMORROW, 11))

    late = Assignment.objects.exclude(appointment=one)
    with transaction.atomic(), pytest.raises(IntegrityError):
        late.update(occupied_from=one.starts_at)


def test_what_is_offered_is_what_can_be_booked(company) -> None:
    """Each start of a day is tried on its own: offered and booked must agree."""
    make_time_off(
        technician=company.technician,
        starts_at=local(TOMORROW, 11),
        ends_at=local(TOMORROW, 14),
    )
    make_appointment(technician=company.technician, starts_at=local(TOMORROW, 15))
    exact = make_service(booking_mode="exact", buffer_after_minutes=15)
    wish = capacity.wish_for(
        service=exact, location=company.branch, postal_code="85004", now=NOW
    )
    found = capacity.slots_between(wish=wish, first_day=TOMORROW, days=1)
    offered = {promise.starts_at for promise, _ in found}

    grid = [local(TOMORROW, 7, 0) + n * HOUR / 4 for n in range(12 * 4)]
    booked = set()
    for start in grid:
        try:
            with transaction.atomic():
                book(company, service=exact, starts_at=start)
                booked.add(start)
                transaction.set_rollback(True)  # each in a fresh world
        except SlotUnavailable:
            pass

    assert offered == booked
    # By hand: 8:00-10:00 before the absence (an hour's work ends by 11:00), and
    # 14:00 would need [14:00, 15:15) against a visit from 15:00; then 16:00.
    assert offered == {local(TOMORROW, 8) + n * HOUR / 4 for n in range(9)} | {
        local(TOMORROW, 16)
    }


def test_a_slot_list_asks_a_constant_number_of_questions(
    company, django_assert_num_queries
) -> None:
    def ask(days: int) -> int:
        wish = capacity.wish_for(
            service=company.service,
            location=company.branch,
            postal_code="85004",
            now=NOW,
        )
        return len(capacity.slots_between(wish=wish, first_day=TOMORROW, days=days))

    ask(1)  # the process reads the roster once, and then keeps it
    with django_assert_num_queries(2):
        few = ask(1)
    for _ in range(5):
        make_appointment(
            technician=make_technician(location=company.branch),
            location=company.branch,
        )
    ask(1)  # ... and again when it has changed
    with django_assert_num_queries(2):
        many = ask(14)
    assert many > few

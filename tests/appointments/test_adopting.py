"""Visits that were promised elsewhere are written down as they are."""

from datetime import timedelta

import pytest

from appointments.models import Appointment
from appointments.rules.slots import (
    EXACT_PROMISE,
    Override,
    Promise,
    Reason,
    to_minute,
    why_not,
)
from appointments.rules.states import Status
from appointments.selectors import capacity
from appointments.services import (
    Adoption,
    InvalidTransition,
    Plan,
    SlotUnavailable,
    adopt,
    follow,
    reschedule,
)
from core.actors import Actor, Role
from core.errors import NotFound
from core.models import Event
from tests.factories import (
    HOUR,
    NOW,
    TOMORROW,
    local,
    make_appointment,
    make_location,
    make_property,
    make_service,
    make_technician,
    make_zone,
)

pytestmark = pytest.mark.django_db

CRM = Actor(role=Role.INTEGRATION, label="The CRM", location_ids=None)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def technician():
    return make_technician(location=make_zone("85004").location)


@pytest.fixture
def service():
    return make_service(duration_minutes=60, window_minutes=120, notice_minutes=10_000)


def adoption(service, *technicians, start=10.0, hours=1.0, **given) -> Adoption:
    starts_at = local(TOMORROW, 0) + start * HOUR
    return Adoption(
        service=service,
        property=given.pop("property", None) or make_property(postal_code="85004"),
        plan=plan(*technicians, starts_at=starts_at, hours=hours),
        source="servicetitan",
        **given,
    )


def plan(*technicians, starts_at, hours=1.0) -> Plan:
    return Plan(
        window_starts_at=starts_at,
        window_ends_at=starts_at + HOUR,
        starts_at=starts_at,
        ends_at=starts_at + hours * HOUR,
        technician_ids=tuple(each.pk for each in technicians),
    )


def crew_of(visit: Appointment) -> list:
    rows = visit.assignments.on_the_visit()
    return list(rows.values_list("technician_id", flat=True))


def test_its_promise_stands_whatever_our_windows_and_notice_say(technician, service):
    start = local(TOMORROW, 0) + 9 * HOUR + 35 * MINUTE
    given = adoption(service, technician, start=9 + 35 / 60)

    visit = adopt(adoption=given, actor=CRM, now=NOW)

    visit.refresh_from_db()
    assert (visit.window_starts_at, visit.starts_at) == (start, start)
    assert visit.window_ends_at == start + HOUR
    assert (visit.status, visit.work_minutes) == (Status.SCHEDULED, None)
    assert crew_of(visit) == [technician.pk]


def test_work_that_takes_longer_takes_that_long_of_a_day(technician, service):
    visit = adopt(adoption=adoption(service, technician, hours=4), actor=CRM, now=NOW)

    (row,) = visit.assignments.all()
    assert visit.work_minutes == 240
    assert row.occupied_until - row.occupied_from == 4 * HOUR

    offered = capacity.slots_between(
        wish=capacity.wish_for(
            service=make_service(duration_minutes=60, booking_mode="exact"),
            location=visit.location,
            postal_code="85004",
            now=NOW,
        ),
        first_day=TOMORROW,
        days=1,
        technician_id=technician.pk,
    )
    starts = {promise.starts_at for promise, _ in offered}
    assert local(TOMORROW, 9) in starts
    assert not [at for at in starts if local(TOMORROW, 9) < at < local(TOMORROW, 14)]


def test_it_is_as_long_wherever_it_is_moved(technician, service):
    visit = adopt(adoption=adoption(service, technician, hours=2), actor=CRM, now=NOW)
    service.notice_minutes = 0
    service.save()

    moved = reschedule(
        appointment_id=visit.pk, starts_at=local(TOMORROW, 14), actor=CRM, now=NOW
    )

    assert moved.ends_at - moved.starts_at == 2 * HOUR


def test_nobody_is_booked_twice(technician, service):
    busy = make_appointment(technician=technician, starts_at=local(TOMORROW, 10))

    visit = adopt(adoption=adoption(service, technician), actor=CRM, now=NOW)

    assert crew_of(visit) == []
    assert crew_of(busy) == [technician.pk]
    assert Appointment.objects.unassigned().get() == visit
    assert visit.starts_at == local(TOMORROW, 10)


def test_the_way_from_the_visit_before_is_their_business(technician, service):
    before = make_appointment(technician=technician, starts_at=local(TOMORROW, 9))
    before.assignments.update(latitude=34.54, longitude=-112.47)  # 90 miles away
    here = make_property(postal_code="85004", latitude=33.45, longitude=-112.07)
    given = adoption(service, technician, property=here)
    wish = capacity.wish_for(
        service=service,
        location=technician.location,
        postal_code="85004",
        address=here,
        override=frozenset(Override),
        now=NOW,
    )
    workers = capacity.workers_for(wish=wish, days=[TOMORROW])
    start = to_minute(given.plan.starts_at)
    exactly = Promise(start, start + EXACT_PROMISE, TOMORROW)
    assert why_not(wish, workers[technician.pk], exactly) == Reason.TRAVEL

    visit = adopt(adoption=given, actor=CRM, now=NOW)

    assert crew_of(visit) == [technician.pk]


def test_back_to_back_there_is_back_to_back_here(technician):
    service = make_service(
        duration_minutes=60, buffer_before_minutes=15, buffer_after_minutes=15
    )

    visits = [
        adopt(adoption=adoption(service, technician, start=at), actor=CRM, now=NOW)
        for at in (11, 10, 12)
    ]

    assert [crew_of(visit) for visit in visits] == [[technician.pk]] * 3


def test_two_technicians_come_together_or_not_at_all(technician, service):
    mate = make_technician(location=technician.location)
    both = adopt(adoption=adoption(service, technician, mate), actor=CRM, now=NOW)
    half = adopt(
        adoption=adoption(service, technician, mate, start=10.5), actor=CRM, now=NOW
    )

    assert set(crew_of(both)) == {technician.pk, mate.pk}
    assert crew_of(half) == []


def test_customers_are_not_told_of_what_somebody_else_promised(technician, service):
    visit = adopt(adoption=adoption(service, technician), actor=CRM, now=NOW)

    (event,) = Event.objects.filter(aggregate_id=visit.pk)
    assert event.name == "appointment.taken_in"
    assert event.data["technicians"] == [str(technician.pk)]


def test_who_works_for_one_branch_adopts_nothing_of_another(technician, service):
    elsewhere = Actor(
        role=Role.INTEGRATION,
        label="The CRM",
        location_ids=frozenset({make_location().pk}),
    )

    with pytest.raises(NotFound):
        adopt(adoption=adoption(service, technician), actor=elsewhere, now=NOW)

    assert not Appointment.objects.exists()


def test_nobody_serves_the_address(service):
    nowhere = make_property(postal_code="99999")

    with pytest.raises(capacity.OutOfServiceArea):
        adopt(adoption=adoption(service, property=nowhere), actor=CRM, now=NOW)


class TestFollowing:
    """What was moved elsewhere is moved here, to the minute."""

    @pytest.fixture
    def visit(self, technician, service) -> Appointment:
        return adopt(adoption=adoption(service, technician), actor=CRM, now=NOW)

    def move(self, visit, *technicians, **given):
        return follow(
            appointment_id=visit.pk,
            plan=plan(*technicians, **given),
            actor=CRM,
            now=NOW,
            why="Changed there.",
        )

    def test_to_a_time_that_we_do_not_offer_and_for_longer(self, visit, technician):
        start = local(TOMORROW, 13) + 20 * MINUTE

        self.move(visit, technician, starts_at=start, hours=3)

        visit.refresh_from_db()
        assert (visit.window_starts_at, visit.starts_at) == (start, start)
        assert (visit.work_minutes, visit.sequence) == (180, 1)
        (row,) = visit.assignments.all()
        assert (row.occupied_from, row.occupied_until) == (start, start + 3 * HOUR)
        event = Event.objects.filter(aggregate_id=visit.pk).latest("number")
        assert event.name == "appointment.rescheduled"
        assert event.data["previous"]["technicians"] == [str(technician.pk)]

    def test_to_others_at_the_same_time(self, visit, technician):
        mate = make_technician(location=technician.location)
        third = make_technician(location=technician.location)

        self.move(visit, mate, third, starts_at=visit.starts_at)

        visit.refresh_from_db()
        assert set(crew_of(visit)) == {mate.pk, third.pk}
        assert visit.sequence == 0
        event = Event.objects.filter(aggregate_id=visit.pk).latest("number")
        assert event.name == "appointment.assigned"

    def test_to_nobody(self, visit):
        self.move(visit, starts_at=visit.starts_at)

        assert crew_of(visit) == []
        event = Event.objects.filter(aggregate_id=visit.pk).latest("number")
        assert event.name == "appointment.unassigned"

    def test_who_is_busy_then_is_not_booked_twice(self, visit, technician):
        make_appointment(technician=technician, starts_at=local(TOMORROW, 13))
        before = visit.starts_at

        with pytest.raises(SlotUnavailable) as refusal:
            self.move(visit, technician, starts_at=local(TOMORROW, 13))

        assert refusal.value.extra["reason"] == Reason.BUSY
        visit.refresh_from_db()
        assert (visit.starts_at, crew_of(visit)) == (before, [technician.pk])

    def test_not_once_the_work_has_begun(self, visit, technician):
        Appointment.objects.filter(pk=visit.pk).update(status=Status.ON_SITE)

        with pytest.raises(InvalidTransition):
            self.move(visit, technician, starts_at=local(TOMORROW, 13))

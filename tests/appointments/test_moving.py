"""Rescheduling, assigning, unassigning."""

import pytest

from appointments import services
from appointments.rules.slots import Reason
from appointments.services import InvalidTransition, SlotUnavailable
from core.actors import SYSTEM, Actor, Role
from core.errors import NotFound, VersionConflict
from core.models import Event
from tests.factories import (
    HOUR,
    NOW,
    TOMORROW,
    local,
    make_appointment,
    make_location,
    make_technician,
    make_time_off,
)


@pytest.fixture
def visit(company):
    return make_appointment(
        technician=company.technician,
        location=company.branch,
        service=company.service,
        property=company.property,
        starts_at=local(TOMORROW, 8),
    )


def move(visit, **given):
    fields = {"appointment_id": visit.pk, "actor": SYSTEM, "now": NOW}
    return services.reschedule(**fields | given)


def give_to(visit, technician, **given):
    fields = {"appointment_id": visit.pk, "actor": SYSTEM, "now": NOW}
    return services.assign(technician_id=technician.pk, **fields | given)


def test_rescheduling_changes_the_visit_in_place(visit) -> None:
    moved = move(visit, starts_at=local(TOMORROW, 12))

    assert (moved.pk, moved.reference) == (visit.pk, visit.reference)
    assert moved.sequence == visit.sequence + 1
    assert moved.version == visit.version + 1
    assert moved.starts_at == local(TOMORROW, 12)
    assert moved.assignments.get().occupied_from == local(TOMORROW, 12)


def test_a_visit_never_blocks_itself(company, visit) -> None:
    # A three-hour visit moves by two hours, across its own old time.
    company.service.duration_minutes = 180
    company.service.save()
    move(visit, starts_at=local(TOMORROW, 8))

    moved = move(visit, starts_at=local(TOMORROW, 10))

    assert moved.ends_at == local(TOMORROW, 13)


def test_its_old_time_is_free_at_once(company, visit) -> None:
    move(visit, starts_at=local(TOMORROW, 12))

    other = make_appointment(location=company.branch, starts_at=local(TOMORROW, 8))
    assert give_to(other, company.technician).assignments.exists()


def test_the_event_tells_old_and_new_times_and_is_no_cancellation(visit) -> None:
    move(visit, starts_at=local(TOMORROW, 12), reason="Customer asked")

    event = Event.objects.get(aggregate_id=visit.pk)
    assert event.name == "appointment.rescheduled"
    assert event.reason == "Customer asked"
    assert event.data["previous"]["starts_at"] == "2027-03-02T08:00:00-07:00"
    assert event.data["starts_at"] == "2027-03-02T12:00:00-07:00"


def test_it_keeps_its_technician_where_possible(company, visit) -> None:
    make_technician(location=company.branch)

    moved = move(visit, starts_at=local(TOMORROW, 12))

    assert moved.assignments.get().technician == company.technician


def test_it_finds_another_technician_where_its_own_is_busy(company, visit) -> None:
    other = make_technician(location=company.branch)
    make_time_off(
        technician=company.technician,
        starts_at=local(TOMORROW, 12),
        ends_at=local(TOMORROW, 17),
    )

    moved = move(visit, starts_at=local(TOMORROW, 12))

    assert moved.assignments.get().technician == other


def test_a_refused_move_changes_nothing(company, visit) -> None:
    make_time_off(
        technician=company.technician,
        starts_at=local(TOMORROW, 12),
        ends_at=local(TOMORROW, 17),
    )

    with pytest.raises(SlotUnavailable) as refused:
        move(visit, starts_at=local(TOMORROW, 12))

    visit.refresh_from_db()
    assert refused.value.extra["reason"] == Reason.TIME_OFF
    assert visit.starts_at == local(TOMORROW, 8)
    assert visit.assignments.get().technician == company.technician


def test_a_stale_version_moves_nothing(visit) -> None:
    with pytest.raises(VersionConflict) as stale:
        move(visit, starts_at=local(TOMORROW, 12), expected_version=visit.version + 1)

    assert stale.value.extra["current"] == visit


@pytest.mark.parametrize("status", ["en_route", "on_site", "completed", "cancelled"])
def test_work_that_has_begun_is_not_moved(visit, status) -> None:
    visit.status = status
    visit.cancellation_reason = "because"
    visit.save()

    with pytest.raises(InvalidTransition):
        move(visit, starts_at=local(TOMORROW, 12))


def test_what_lies_outside_of_sight_is_not_there(visit) -> None:
    stranger = Actor(
        role=Role.DISPATCHER,
        label="Kim",
        location_ids=frozenset({make_location().pk}),
    )

    with pytest.raises(NotFound):
        move(visit, starts_at=local(TOMORROW, 12), actor=stranger)


def test_assigning_replaces_whoever_is_on_it(company, visit) -> None:
    other = make_technician(location=company.branch)

    given = give_to(visit, other)

    assert given.assignments.get().technician == other
    assert Event.objects.get(aggregate_id=visit.pk).name == "appointment.assigned"


def test_assigning_the_same_technician_again_changes_nothing(company, visit) -> None:
    again = give_to(visit, company.technician)

    assert again.version == visit.version
    assert not Event.objects.filter(aggregate_id=visit.pk).exists()


def test_assigning_moves_the_work_within_the_promised_window(company, visit) -> None:
    other = make_technician(location=company.branch)
    make_time_off(
        technician=other, starts_at=local(TOMORROW, 8), ends_at=local(TOMORROW, 9)
    )

    given = give_to(visit, other)

    assert given.starts_at == local(TOMORROW, 9)
    assert given.window_starts_at == local(TOMORROW, 8)


def test_assigning_somebody_who_cannot_says_why(company, visit) -> None:
    away = make_technician(location=company.branch)
    make_time_off(
        technician=away, starts_at=local(TOMORROW, 8), ends_at=local(TOMORROW, 17)
    )

    with pytest.raises(SlotUnavailable) as refused:
        give_to(visit, away)

    assert refused.value.extra["reason"] == Reason.TIME_OFF


def test_assigning_needs_no_notice(company, visit) -> None:
    other = make_technician(location=company.branch)

    assert give_to(visit, other, now=visit.starts_at - HOUR / 2).assignments.exists()


def test_unassigning_frees_the_technician_and_keeps_the_promise(visit) -> None:
    left = services.unassign(
        appointment_id=visit.pk, actor=SYSTEM, now=NOW, reason="Sick"
    )

    assert not left.assignments.exists()
    assert left.window_starts_at == visit.window_starts_at
    assert left.status == "scheduled"
    previous = Event.objects.get(aggregate_id=visit.pk).data["previous"]
    assert len(previous["technicians"]) == 1

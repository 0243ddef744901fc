"""Requests: visitors ask, the office approves or declines."""

import pytest

from appointments import services
from appointments.models import Appointment, Assignment, Cap
from appointments.rules.slots import Override, Reason
from appointments.rules.states import Status
from appointments.services import BookingRequest, InvalidTransition, SlotUnavailable
from core.actors import ANONYMOUS, SYSTEM, Actor, Role
from core.errors import Forbidden, NotFound, VersionConflict
from core.models import Event
from tests.factories import (
    DAY,
    NOW,
    TOMORROW,
    local,
    make_lead,
    make_location,
    make_property,
    make_service,
    make_technician,
)

EIGHT = local(TOMORROW, 8)
MACHINE = Actor(role=Role.INTEGRATION, label="partner", location_ids=None)


@pytest.fixture
def company(company):
    """Let a window be kept exactly once, and nothing be booked unseen."""
    company.service = make_service(duration_minutes=120, requires_approval=True)
    return company


def ask(company, *, actor=MACHINE, now=NOW, **given) -> Appointment:
    request = BookingRequest(
        service=company.service,
        starts_at=given.pop("starts_at", EIGHT),
        **{"property": make_property()} | given,
    )
    return services.book(request=request, actor=actor, now=now)


def approve(visit, *, actor=SYSTEM, now=NOW, **given) -> Appointment:
    return services.approve(appointment_id=visit.pk, actor=actor, now=now, **given)


def decline(visit, *, reason="Too far", **given) -> Appointment:
    return services.decline(
        appointment_id=visit.pk, reason=reason, actor=SYSTEM, now=NOW, **given
    )


def events_of(visit) -> list[str]:
    events = Event.objects.filter(aggregate_id=visit.pk).order_by("number")
    return list(events.values_list("name", flat=True))


def test_what_needs_approval_is_asked_for_and_takes_nobodys_time(company) -> None:
    first, second = ask(company), ask(company)

    for visit in (first, second):
        visit.refresh_from_db()
        assert (visit.status, visit.window_starts_at) == (Status.REQUESTED, EIGHT)
        assert events_of(visit) == ["appointment.requested"]
    assert not Assignment.objects.exists()


def test_a_visitor_asks_by_his_lead(company) -> None:
    lead = make_lead(line1="1 Elm St", city="Phoenix", region="AZ")

    visit = ask(company, actor=ANONYMOUS, property=None, lead_id=lead.pk)

    lead.refresh_from_db()
    assert (visit.status, lead.status) == (Status.REQUESTED, "converted")


def test_the_office_books_at_once(company) -> None:
    visit = ask(company, actor=SYSTEM)

    assert visit.status == Status.SCHEDULED
    assert events_of(visit) == ["appointment.booked"]


def test_what_is_not_offered_cannot_be_asked_for(company) -> None:
    ask(company, actor=SYSTEM)

    with pytest.raises(SlotUnavailable) as refused:
        ask(company)

    assert refused.value.extra["reason"] == Reason.BUSY
    assert Appointment.objects.count() == 1


def test_a_full_day_cannot_be_asked_for(company) -> None:
    Cap.objects.create(location=company.branch, most=1)
    ask(company, actor=SYSTEM, starts_at=local(TOMORROW, 14))

    with pytest.raises(SlotUnavailable) as refused:
        ask(company)

    assert refused.value.extra["reason"] == Reason.CAP


def test_approving_books_it(company) -> None:
    asked = ask(company)

    visit = approve(asked)

    visit.refresh_from_db()
    assert visit.status == Status.SCHEDULED
    assert visit.assignments.get().technician == company.technician
    assert events_of(visit) == ["appointment.requested", "appointment.approved"]
    told = Event.objects.get(aggregate_id=visit.pk, name="appointment.approved").data
    assert told["technicians"] == [str(company.technician.pk)]
    assert told["previous"] == {"status": "requested"}


def test_the_office_may_choose_who_comes(company) -> None:
    spare = make_technician(location=company.branch)
    asked = ask(company)

    visit = approve(asked, technician_id=spare.pk)

    assert visit.assignments.get().technician == spare


def test_approving_twice_changes_nothing(company) -> None:
    asked = ask(company)
    first = approve(asked)

    again = approve(asked)

    assert again.version == first.version
    assert events_of(asked).count("appointment.approved") == 1


def test_approving_it_for_somebody_else_afterwards_is_assigning(company) -> None:
    spare = make_technician(location=company.branch)
    asked = ask(company)
    approve(asked, technician_id=company.technician.pk)

    with pytest.raises(InvalidTransition):
        approve(asked, technician_id=spare.pk)


def test_the_second_request_for_a_slot_that_is_taken_stays_one(company) -> None:
    first, second = ask(company), ask(company)
    approve(first)

    with pytest.raises(SlotUnavailable) as refused:
        approve(second)

    second.refresh_from_db()
    assert refused.value.extra["reason"] == Reason.BUSY
    assert len(refused.value.extra["alternatives"]) == 5
    assert second.status == Status.REQUESTED
    assert events_of(second) == ["appointment.requested"]


def test_notice_was_settled_when_it_was_asked_for(company) -> None:
    asked = ask(company)

    visit = approve(asked, now=local(TOMORROW, 7))

    assert visit.starts_at == EIGHT


def test_what_lies_in_the_past_is_not_approved(company) -> None:
    asked = ask(company)

    with pytest.raises(SlotUnavailable) as refused:
        approve(asked, now=EIGHT + DAY)

    assert refused.value.extra["reason"] == Reason.NOTICE


def test_a_day_that_filled_up_meanwhile_refuses_approval(company) -> None:
    Cap.objects.create(location=company.branch, most=1)
    first, second = ask(company), ask(company, starts_at=local(TOMORROW, 14))
    approve(first)

    with pytest.raises(SlotUnavailable) as refused:
        approve(second)
    visit = approve(second, override=frozenset({Override.CAP}), reason="A regular")

    assert refused.value.extra["reason"] == Reason.CAP
    assert visit.status == Status.SCHEDULED
    told = Event.objects.get(aggregate_id=visit.pk, name="appointment.approved")
    assert (told.data["override"], told.reason) == (["cap"], "A regular")


def test_not_everybody_sets_rules_aside(company) -> None:
    dispatcher = Actor(role=Role.DISPATCHER, label="Dana", location_ids=None)
    asked = ask(company)

    with pytest.raises(Forbidden):
        approve(
            asked, actor=dispatcher, override=frozenset({Override.SKILL}), reason="Why"
        )


def test_declining_says_why(company) -> None:
    asked = ask(company)

    visit = decline(asked)

    visit.refresh_from_db()
    assert (visit.status, visit.cancellation_reason) == (Status.CANCELLED, "Too far")
    assert events_of(visit) == ["appointment.requested", "appointment.declined"]
    assert decline(asked).version == visit.version


def test_what_was_answered_is_not_answered_otherwise(company) -> None:
    declined, approved = ask(company), ask(company)
    decline(declined)
    approve(approved)

    with pytest.raises(InvalidTransition) as no_more:
        approve(declined)
    with pytest.raises(InvalidTransition) as cancel_it:
        decline(approved)

    assert no_more.value.extra["allowed"] == []
    assert "cancelled" in cancel_it.value.extra["allowed"]


def test_a_request_may_be_withdrawn(company) -> None:
    asked = ask(company)

    visit = services.cancel(
        appointment_id=asked.pk, reason="Fixed it", actor=SYSTEM, now=NOW
    )

    assert visit.status == Status.CANCELLED
    assert events_of(visit)[-1] == "appointment.cancelled"


@pytest.mark.parametrize("change", ["assign", "unassign", "reschedule"])
def test_nobody_gets_round_the_approval(company, change) -> None:
    asked = ask(company)
    given = {
        "assign": {"technician_id": company.technician.pk},
        "reschedule": {"starts_at": local(TOMORROW, 10)},
        "unassign": {},
    }[change]

    with pytest.raises(InvalidTransition):
        getattr(services, change)(
            appointment_id=asked.pk, actor=SYSTEM, now=NOW, **given
        )

    asked.refresh_from_db()
    assert asked.status == Status.REQUESTED


def test_no_step_makes_a_request_a_visit(company) -> None:
    asked = ask(company)

    for status in set(Status) - {Status.REQUESTED, Status.CANCELLED}:
        with pytest.raises(InvalidTransition):
            services.change_status(
                appointment_id=asked.pk, to=status, actor=SYSTEM, now=NOW, reason="Why"
            )

    assert events_of(asked) == ["appointment.requested"]


def test_a_request_is_answered_as_it_was_seen(company) -> None:
    asked = ask(company)

    with pytest.raises(VersionConflict):
        approve(asked, expected_version=asked.version + 1)
    with pytest.raises(VersionConflict):
        decline(asked, expected_version=asked.version + 1)


def test_requests_of_other_branches_are_not_there(company) -> None:
    elsewhere = Actor(
        role=Role.DISPATCHER,
        label="Dana",
        location_ids=frozenset({make_location().pk}),
    )

    with pytest.raises(NotFound):
        approve(ask(company), actor=elsewhere)


def test_a_crew_is_asked_for_and_approved_whole(company) -> None:
    company.service = make_service(
        duration_minutes=120, crew_size=2, requires_approval=True
    )
    make_technician(location=company.branch)

    visit = approve(ask(company))

    assert visit.assignments.count() == 2

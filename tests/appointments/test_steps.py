"""Steps of a visit: by its technician, by staff, and to its end."""

import pytest

from appointments import services
from appointments.rules.states import Status, Step
from appointments.services import InvalidTransition
from core.actors import SYSTEM, Actor, Role
from core.errors import Rejected, VersionConflict
from core.models import Event
from tests.factories import (
    NOW,
    make_appointment,
    make_assignment,
    make_technician,
)


@pytest.fixture
def visit(company):
    return make_appointment(technician=company.technician, location=company.branch)


def step(visit, to, **given):
    fields = {"appointment_id": visit.pk, "to": to, "actor": SYSTEM, "now": NOW}
    return services.change_status(**fields | given)


def as_technician(technician) -> Actor:
    return Actor(
        role=Role.TECHNICIAN,
        label=technician.name,
        location_ids=frozenset({technician.location_id}),
        technician_id=technician.pk,
    )


def names_of(visit) -> list[str]:
    return list(
        Event.objects.of("appointment", visit.pk).values_list("name", flat=True)
    )


def test_a_day_goes_its_way(visit) -> None:
    for to in ("dispatched", "en_route", "on_site", "paused", "on_site", "completed"):
        assert step(visit, Status(to)).status == to

    assert visit.assignments.get().status == Step.DONE
    assert names_of(visit) == ["appointment.status_changed"] * 6


def test_repeating_a_step_changes_nothing(visit) -> None:
    once = step(visit, Status.DISPATCHED)
    twice = step(visit, Status.DISPATCHED)

    assert once.version == twice.version
    assert len(names_of(visit)) == 1


def test_an_illegal_step_says_what_is_allowed(visit) -> None:
    with pytest.raises(InvalidTransition) as refused:
        step(visit, Status.PAUSED)

    assert refused.value.extra["allowed"] == [
        "accepted",
        "declined",
        "dispatched",
        "en_route",
        "on_site",
    ]


def test_a_technician_steps_for_himself(company, visit) -> None:
    step(visit, Step.ACCEPTED, actor=as_technician(company.technician))
    moved = step(visit, Status.EN_ROUTE, actor=as_technician(company.technician))

    assert moved.status == Status.EN_ROUTE


def test_declining_frees_the_technician_and_leaves_the_visit_to_be_assigned(
    company, visit
) -> None:
    left = step(
        visit,
        Step.DECLINED,
        actor=as_technician(company.technician),
        reason="Truck broke down",
    )

    assert left.status == Status.SCHEDULED
    assert not left.assignments.holding().exists()


def test_the_earliest_of_a_crew_moves_the_visit(company, visit) -> None:
    helper = make_technician(location=company.branch)
    make_assignment(appointment=visit, technician=helper, is_lead=False)

    moved = step(visit, Status.ON_SITE, actor=as_technician(helper))

    assert moved.status == Status.ON_SITE


def test_a_helper_who_is_done_does_not_close_the_visit(company, visit) -> None:
    helper = make_technician(location=company.branch)
    make_assignment(appointment=visit, technician=helper, is_lead=False)
    step(visit, Status.ON_SITE)

    moved = step(visit, Status.COMPLETED, actor=as_technician(helper))

    assert moved.status == Status.ON_SITE


def test_the_lead_technician_closes_it_for_all(company, visit) -> None:
    helper = make_technician(location=company.branch)
    make_assignment(appointment=visit, technician=helper, is_lead=False)
    step(visit, Status.ON_SITE)

    closed = step(visit, Status.COMPLETED, actor=as_technician(company.technician))

    assert closed.status == Status.COMPLETED
    assert not closed.assignments.holding().exists()


@pytest.mark.parametrize("to", [Status.NO_SHOW, Status.CANCELLED])
def test_such_an_end_needs_a_reason(visit, to) -> None:
    with pytest.raises(Rejected):
        step(visit, to)


def test_cancelling_frees_the_time_and_is_an_event_of_its_own(company, visit) -> None:
    called_off = services.cancel(
        appointment_id=visit.pk, reason="Sold the house", actor=SYSTEM, now=NOW
    )

    assert called_off.status == Status.CANCELLED
    assert not called_off.assignments.holding().exists()
    assert names_of(visit) == ["appointment.cancelled"]


def test_cancelling_twice_is_one_event(visit) -> None:
    for _ in range(2):
        services.cancel(
            appointment_id=visit.pk, reason="Sold the house", actor=SYSTEM, now=NOW
        )

    assert len(names_of(visit)) == 1


def test_work_on_site_is_not_cancelled(visit) -> None:
    step(visit, Status.ON_SITE)

    with pytest.raises(InvalidTransition):
        services.cancel(appointment_id=visit.pk, reason="No", actor=SYSTEM, now=NOW)


def test_a_stale_version_steps_nowhere(visit) -> None:
    with pytest.raises(VersionConflict):
        step(visit, Status.EN_ROUTE, expected_version=visit.version + 1)


def test_nobody_on_the_visit_nobody_steps(company) -> None:
    waiting = make_appointment(location=company.branch)

    with pytest.raises(InvalidTransition):
        step(waiting, Status.EN_ROUTE)


def test_each_step_remembers_who_and_why(company, visit) -> None:
    step(visit, Status.NO_SHOW, reason="Nobody opened")

    event = Event.objects.get(aggregate_id=visit.pk)
    assert (event.actor_label, event.reason) == ("system", "Nobody opened")
    assert event.data["previous"] == {"status": "scheduled"}

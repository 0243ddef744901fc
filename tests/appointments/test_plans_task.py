"""The beat's part: it books bit by bit, and rings again while more waits."""

import pytest
import time_machine

from appointments import tasks
from appointments.models import PlanOccurrence
from appointments.services import plans
from core.actors import SYSTEM
from tests.appointments.planned import away, occurrence_of, plan_of
from tests.factories import DAY, HOUR, NOW, TODAY, make_property

RING: tuple[str, dict[str, object]] = ("appointments.tasks.generate_plan_visits", {})


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOW, tick=False) as moved:
        yield moved


@pytest.fixture(autouse=True)
def _three_at_once(monkeypatch) -> None:
    monkeypatch.setattr(tasks, "_AT_ONCE", 3)


def test_rings_again_while_more_waits(
    company, hints, django_capture_on_commit_callbacks
) -> None:
    made = [plan_of(company, property=make_property()) for _ in range(4)]

    with django_capture_on_commit_callbacks(execute=True):
        tasks.generate_plan_visits()
    first = hints.count(RING)
    with django_capture_on_commit_callbacks(execute=True):
        tasks.generate_plan_visits()

    assert (first, hints.count(RING)) == (1, 1)
    booked = PlanOccurrence.objects.filter(plan__in=made, state="booked")
    assert booked.count() == len(made)


def test_a_conflict_rests_for_an_hour(company, clock) -> None:
    plan = plan_of(company)
    away(company, TODAY, TODAY + 70 * DAY)
    tried = []

    for minutes in (0, 10, 50, 61):
        clock.move_to(NOW + minutes * HOUR / 60)
        tasks.generate_plan_visits()
        tried.append(occurrence_of(plan).tried_at)

    assert tried == [NOW, NOW, NOW, NOW + 61 * HOUR / 60]


def test_who_agrees_on_a_plan_rings(
    company, hints, django_capture_on_commit_callbacks
) -> None:
    plan = plan_of(company)
    plans.pause(plan_id=plan.pk, actor=SYSTEM, now=NOW)

    with django_capture_on_commit_callbacks(execute=True):
        plans.resume(plan_id=plan.pk, actor=SYSTEM, now=NOW)

    assert RING in hints

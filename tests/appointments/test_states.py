"""Which step may follow which, and how a visit follows its technicians."""

import pytest

from appointments.rules.states import (
    LATER,
    LATER_STEPS,
    OPEN,
    Status,
    Step,
    next_statuses,
    visit_status,
)

A, D, ACC, DEC = Step.ASSIGNED, Step.DISPATCHED, Step.ACCEPTED, Step.DECLINED
GO, ON, P, X = Step.EN_ROUTE, Step.ON_SITE, Step.PAUSED, Step.DONE


@pytest.mark.parametrize(
    ("steps", "status"),
    [
        ([], Status.SCHEDULED),
        ([DEC], Status.SCHEDULED),
        ([A], Status.SCHEDULED),
        ([D], Status.DISPATCHED),
        ([ACC], Status.DISPATCHED),
        ([A, GO], Status.EN_ROUTE),
        ([ON, GO], Status.ON_SITE),
        ([P, ON], Status.ON_SITE),
        ([P, A], Status.PAUSED),
        ([X, A], Status.ON_SITE),
        ([X, P], Status.PAUSED),
        ([X, DEC], Status.COMPLETED),
        ([X, X], Status.COMPLETED),
    ],
)
def test_a_visit_follows_its_technicians(steps, status) -> None:
    assert visit_status(steps) is status


def test_every_status_and_every_step_has_its_row() -> None:
    assert set(LATER) == set(Status)
    assert set(LATER_STEPS) == set(Step)


@pytest.mark.parametrize(
    "status",
    [Status.COMPLETED, Status.INCOMPLETE, Status.CANCELLED, Status.NO_SHOW],
)
def test_an_ended_visit_stays_ended(status) -> None:
    assert LATER[status] == frozenset()
    assert status not in OPEN


def test_an_open_visit_can_reach_its_end() -> None:
    for status in OPEN:
        reached, frontier = set(), {status}
        while frontier:
            reached |= frontier
            frontier = {later for s in frontier for later in LATER[s]} - reached
        assert Status.COMPLETED in reached


@pytest.mark.parametrize(
    ("status", "steps", "offered"),
    [
        ("scheduled", ["assigned"], "dispatched en_route on_site cancelled no_show"),
        ("scheduled", [], "cancelled no_show"),
        ("scheduled", ["declined"], "cancelled no_show"),
        ("dispatched", ["accepted"], "scheduled en_route on_site cancelled no_show"),
        ("on_site", ["on_site"], "paused completed incomplete no_show"),
        ("on_site", ["on_site", "done"], "completed incomplete no_show"),
        ("completed", ["done"], ""),
    ],
)
def test_staff_are_offered_the_steps_that_the_crew_can_take(
    status, steps, offered
) -> None:
    found = next_statuses(Status(status), [Step(step) for step in steps])

    assert " ".join(found) == offered

"""Which step may follow which, for a visit and for each technician on it."""

from collections.abc import Iterable, Mapping
from enum import StrEnum


class Status(StrEnum):
    """Where a visit stands."""

    HELD = "held"
    REQUESTED = "requested"
    SCHEDULED = "scheduled"
    DISPATCHED = "dispatched"
    EN_ROUTE = "en_route"
    ON_SITE = "on_site"
    PAUSED = "paused"
    COMPLETED = "completed"
    INCOMPLETE = "incomplete"
    CANCELLED = "cancelled"
    NO_SHOW = "no_show"


class Step(StrEnum):
    """Where one technician stands with one visit."""

    ASSIGNED = "assigned"
    DISPATCHED = "dispatched"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    EN_ROUTE = "en_route"
    ON_SITE = "on_site"
    PAUSED = "paused"
    DONE = "done"


_ENDED = frozenset[Status]()

LATER: Mapping[Status, frozenset[Status]] = {
    Status.HELD: frozenset({Status.REQUESTED, Status.SCHEDULED, Status.CANCELLED}),
    Status.REQUESTED: frozenset({Status.SCHEDULED, Status.CANCELLED}),
    Status.SCHEDULED: frozenset(
        {
            Status.DISPATCHED,
            Status.EN_ROUTE,
            Status.ON_SITE,
            Status.CANCELLED,
            Status.NO_SHOW,
        }
    ),
    Status.DISPATCHED: frozenset(
        {
            Status.SCHEDULED,
            Status.EN_ROUTE,
            Status.ON_SITE,
            Status.CANCELLED,
            Status.NO_SHOW,
        }
    ),
    Status.EN_ROUTE: frozenset(
        {Status.SCHEDULED, Status.ON_SITE, Status.CANCELLED, Status.NO_SHOW}
    ),
    Status.ON_SITE: frozenset(
        {Status.PAUSED, Status.COMPLETED, Status.INCOMPLETE, Status.NO_SHOW}
    ),
    Status.PAUSED: frozenset({Status.ON_SITE, Status.COMPLETED, Status.INCOMPLETE}),
    Status.COMPLETED: _ENDED,
    Status.INCOMPLETE: _ENDED,
    Status.CANCELLED: _ENDED,
    Status.NO_SHOW: _ENDED,
}

LATER_STEPS: Mapping[Step, frozenset[Step]] = {
    Step.ASSIGNED: frozenset(
        {
            Step.DISPATCHED,
            Step.ACCEPTED,
            Step.DECLINED,
            Step.EN_ROUTE,
            Step.ON_SITE,
        }
    ),
    Step.DISPATCHED: frozenset(
        {
            Step.ASSIGNED,
            Step.ACCEPTED,
            Step.DECLINED,
            Step.EN_ROUTE,
            Step.ON_SITE,
        }
    ),
    Step.ACCEPTED: frozenset(
        {Step.ASSIGNED, Step.DECLINED, Step.EN_ROUTE, Step.ON_SITE}
    ),
    Step.DECLINED: frozenset(),
    Step.EN_ROUTE: frozenset({Step.ASSIGNED, Step.ON_SITE}),
    Step.ON_SITE: frozenset({Step.PAUSED, Step.DONE}),
    Step.PAUSED: frozenset({Step.ON_SITE, Step.DONE}),
    Step.DONE: frozenset(),
}

# Steps that a technician takes, by the status that callers name them with.
STEP_TO: Mapping[Status, Step] = {
    Status.SCHEDULED: Step.ASSIGNED,
    Status.DISPATCHED: Step.DISPATCHED,
    Status.EN_ROUTE: Step.EN_ROUTE,
    Status.ON_SITE: Step.ON_SITE,
    Status.PAUSED: Step.PAUSED,
    Status.COMPLETED: Step.DONE,
}

# While a visit is in one of these, its technicians' time is taken.
OPEN = frozenset(status for status, later in LATER.items() if later)
# Nobody is there yet.
NOT_THERE = frozenset({Status.SCHEDULED, Status.DISPATCHED, Status.EN_ROUTE})
# Somebody is working on it, or is on the way.
UNDER_WAY = frozenset({Status.EN_ROUTE, Status.ON_SITE, Status.PAUSED})
# Not begun: it may still be moved to another time or another technician.
# A request is approved or declined first.
MOVABLE = frozenset({Status.SCHEDULED, Status.DISPATCHED})

_PROGRESS: Mapping[Step, Status] = {
    Step.ASSIGNED: Status.SCHEDULED,
    Step.DISPATCHED: Status.DISPATCHED,
    Step.ACCEPTED: Status.DISPATCHED,
    Step.EN_ROUTE: Status.EN_ROUTE,
    Step.PAUSED: Status.PAUSED,
    Step.ON_SITE: Status.ON_SITE,
}
# The earliest technician moves the visit: the furthest of these wins. Paused comes
# before on site: while one still works, the visit is not paused.
_ORDER = [
    Status.SCHEDULED,
    Status.DISPATCHED,
    Status.EN_ROUTE,
    Status.PAUSED,
    Status.ON_SITE,
]


def visit_status(steps: Iterable[Step]) -> Status:
    """Return the status of an open visit that follows from its technicians' steps.

    Those who declined do not count; with nobody left the visit waits to be assigned.
    When some are done and others are not yet there, work has begun: on site.
    """
    counting = [step for step in steps if step is not Step.DECLINED]
    if not counting:
        return Status.SCHEDULED
    if all(step is Step.DONE for step in counting):
        return Status.COMPLETED
    working = [_PROGRESS[step] for step in counting if step is not Step.DONE]
    furthest = max(working, key=_ORDER.index)
    if Step.DONE in counting and furthest is not Status.PAUSED:
        return Status.ON_SITE
    return furthest


def next_statuses(status: Status, steps: Iterable[Step]) -> list[Status]:
    """Return what staff may do next with a visit whose technicians are this far.

    Without a technician there are no steps to take; the visit can only be ended.
    """
    counting = [step for step in steps if step is not Step.DECLINED]

    def can_follow(later: Status) -> bool:
        if later is Status.COMPLETED or later not in STEP_TO:
            return True
        step = STEP_TO[later]
        return bool(counting) and all(
            step is now or step in LATER_STEPS[now] for now in counting
        )

    return [later for later in Status if later in LATER[status] and can_follow(later)]

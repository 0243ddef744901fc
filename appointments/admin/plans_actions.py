"""The buttons of maintenance plans and of their visits, and when they are there."""

from appointments.admin import plans_forms as forms
from appointments.models import MaintenancePlan, PlanOccurrence
from appointments.rules.plans import WAITING, OccurrenceState, PlanState
from core.admin.actions import Action


def _runs(plan: MaintenancePlan) -> bool:
    return plan.state != PlanState.ENDED


def _is_unbooked(occurrence: PlanOccurrence) -> bool:
    unbooked = occurrence.state in WAITING | {OccurrenceState.SKIPPED}
    return unbooked and _runs(occurrence.plan)


def _can_retry(occurrence: PlanOccurrence) -> bool:
    return _is_unbooked(occurrence) and occurrence.plan.state == PlanState.ACTIVE


ADD = Action(
    slug="add",
    submit="Save",
    label="New plan",
    icon="event_repeat",
    form=forms.AgreementForm,
    done="The plan runs; its visits are booked as they come within the horizon.",
)

PLAN_ACTIONS = (
    Action(
        slug="edit",
        submit="Save",
        label="Edit",
        icon="edit",
        form=forms.AgreementForm,
        is_open=_runs,
        done="The plan is saved.",
        hint="Visits that are booked stay as they are.",
    ),
    Action(
        slug="pause",
        label="Pause",
        icon="pause",
        form=forms.PauseForm,
        is_open=lambda plan: plan.state == PlanState.ACTIVE,
        done="The plan books nothing until it is resumed.",
        hint="Visits that are booked stay.",
    ),
    Action(
        slug="resume",
        label="Resume",
        icon="play_arrow",
        form=forms.ResumeForm,
        is_open=lambda plan: plan.state == PlanState.PAUSED,
        done="The plan books again.",
        style="primary",
    ),
    Action(
        slug="end",
        label="End",
        icon="stop",
        form=forms.EndForm,
        is_open=_runs,
        done="The plan has ended.",
        hint="For good. Visits that are booked stay: cancel those one by one.",
        style="danger",
    ),
)

OCCURRENCE_ACTIONS = (
    Action(
        slug="book",
        label="Book",
        icon="event_available",
        form=forms.BookOccurrenceForm,
        is_open=_is_unbooked,
        done="The visit is booked, and the customer is told.",
        style="primary",
    ),
    Action(
        slug="retry",
        label="Try again",
        icon="refresh",
        form=forms.RetryForm,
        is_open=_can_retry,
        done="Tried again; see below what came of it.",
        hint="Books the best time that the plan tolerates, if there is one now.",
    ),
    Action(
        slug="skip",
        label="Skip",
        icon="skip_next",
        form=forms.SkipForm,
        is_open=lambda one: one.state in WAITING,
        done="There is no visit in this period.",
    ),
)

"""The buttons on a visit's page, and when they are there."""

from appointments.admin import forms
from appointments.models import Appointment
from appointments.rules.states import LATER, MOVABLE, OPEN, Status
from core.admin.actions import Action


def _can_move(visit: Appointment) -> bool:
    return Status(visit.status) in MOVABLE


def _has_crew_to_move(visit: Appointment) -> bool:
    held = [row for row in visit.crew if row.released_at is None]  # type: ignore[attr-defined]  # prefetched
    return bool(held) and _can_move(visit)


def _has_next_step(visit: Appointment) -> bool:
    return bool(forms.steps_of(visit))


def _is_asked_for(visit: Appointment) -> bool:
    return visit.status == Status.REQUESTED


def _can_cancel(visit: Appointment) -> bool:
    return Status.CANCELLED in LATER[Status(visit.status)]


VISIT_ACTIONS = (
    Action(
        slug="approve",
        label="Approve",
        icon="check",
        form=forms.ApproveForm,
        is_open=_is_asked_for,
        done="The visit is booked.",
        hint="The customer gets a confirmation.",
        style="primary",
    ),
    Action(
        slug="decline",
        label="Decline",
        icon="block",
        form=forms.DeclineForm,
        is_open=_is_asked_for,
        done="The request is declined.",
        hint="The customer is told that you cannot come. Where it was he who changed "
        "his mind, cancel the visit.",
        style="danger",
    ),
    Action(
        slug="assign",
        label="Assign",
        icon="person_add",
        form=forms.AssignForm,
        is_open=_can_move,
        done="The technician is on the visit.",
        hint="The promise stays; the work moves within its window where it must.",
        style="primary",
    ),
    Action(
        slug="reschedule",
        label="Reschedule",
        icon="event_repeat",
        form=forms.RescheduleForm,
        is_open=_can_move,
        done="The visit has been moved.",
        hint="These times are true at this moment. The customer is told of the change.",
    ),
    Action(
        slug="step",
        label="Next step",
        icon="arrow_forward",
        form=forms.StepForm,
        is_open=_has_next_step,
        done="The step has been taken.",
    ),
    Action(
        slug="unassign",
        label="Unassign",
        icon="person_remove",
        form=forms.UnassignForm,
        is_open=_has_crew_to_move,
        done="Nobody is on the visit now; it waits for a technician.",
        hint="The promise to the customer stands, and waits for a dispatcher.",
    ),
    Action(
        slug="notes",
        submit="Save",
        label="Edit notes",
        icon="edit_note",
        form=forms.NotesForm,
        is_open=lambda visit: Status(visit.status) in OPEN,
        done="The notes are saved.",
    ),
    Action(
        slug="cancel",
        label="Cancel visit",
        icon="cancel",
        form=forms.CancelForm,
        is_open=_can_cancel,
        done="The visit is cancelled; its time is free.",
        hint="The customer is told. This cannot be undone.",
        style="danger",
    ),
)

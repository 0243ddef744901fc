"""The forms behind a visit's buttons. The rules are the services'."""

from typing import Any

from django import forms

from appointments import services
from appointments.admin.looks import words
from appointments.admin.openings import alternatives_of
from appointments.admin.overriding import Overriding, way_round
from appointments.admin.picking import SlotPicking
from appointments.models import Appointment
from appointments.rules.states import Status, Step, next_statuses
from appointments.selectors import capacity, choices
from core.admin.forms import ActionForm, Lines, reason_field


class AssignForm(Overriding):
    """Put another technician on the visit."""

    body = "admin/action/assign.html"
    technician = forms.UUIDField(
        error_messages={"required": "Choose a technician.", "invalid": "Choose one."}
    )
    reason = reason_field(required=False)

    def more(self) -> dict[str, Any]:
        found = choices.candidates(visit=self.thing, actor=self.actor, now=self.now)
        return {
            "free": [one for one in found if one.reason is None],
            "others_free": any(not one.reason and not one.is_on_it for one in found),
            "unfit": [
                (one, words(one.reason), way_round(one.reason, role=self.actor.role))
                for one in found
                if one.reason
            ],
            "alternatives": alternatives_of(self, zone=self.thing.location.time_zone),
        }

    def run(self) -> Appointment:
        return services.assign(
            appointment_id=self.thing.pk,
            technician_id=self.cleaned_data["technician"],
            override=self.overridden(),
            reason=self.cleaned_data["reason"],
            **self.shared(),
        )


class ApproveForm(AssignForm):
    """Book what was asked for, with anybody or with somebody."""

    technician = forms.UUIDField(
        required=False, error_messages={"invalid": "Choose one."}
    )

    def more(self) -> dict[str, Any]:
        return super().more() | {"anybody": True}

    def run(self) -> Appointment:
        return services.approve(
            appointment_id=self.thing.pk,
            technician_id=self.cleaned_data["technician"],
            override=self.overridden(),
            reason=self.cleaned_data["reason"],
            **self.shared(),
        )


class DeclineForm(ActionForm):
    """Say no to what was asked for."""

    reason = reason_field(required=True)

    def run(self) -> Appointment:
        return services.decline(
            appointment_id=self.thing.pk,
            reason=self.cleaned_data["reason"],
            **self.shared(),
        )


class RescheduleForm(SlotPicking):
    """Move the visit to another time on offer."""

    body = "admin/action/slots.html"
    reason = reason_field(required=False)

    def more(self) -> dict[str, Any]:
        visit = self.thing
        start = visit.window_starts_at
        page = self.on_offer(
            wish=capacity.wish_of(visit, now=self.now),
            location=visit.location,
            near=start,
            except_visit=visit.pk,
        )
        zone = visit.location.time_zone
        return page | {"current": start.astimezone(zone).isoformat()}

    def run(self) -> Appointment:
        return services.reschedule(
            appointment_id=self.thing.pk,
            starts_at=self.cleaned_data["starts_at"],
            technician_id=self.cleaned_data["technician"],
            override=self.overridden(),
            reason=self.cleaned_data["reason"],
            **self.shared(),
        )


class UnassignForm(ActionForm):
    """Take everybody off the visit."""

    reason = reason_field(required=False)

    def run(self) -> Appointment:
        return services.unassign(
            appointment_id=self.thing.pk,
            reason=self.cleaned_data["reason"],
            **self.shared(),
        )


class StepForm(ActionForm):
    """Take the visit's next step for its technicians."""

    body = "admin/action/step.html"
    to = forms.ChoiceField(label="Next step", widget=forms.RadioSelect)
    reason = reason_field(required=False, label="Reason (for incomplete and no show)")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["to"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101  # for the type checker
        field.choices = [(step.value, words(step)) for step in steps_of(self.thing)]

    def run(self) -> Appointment:
        return services.change_status(
            appointment_id=self.thing.pk,
            to=Status(self.cleaned_data["to"]),
            reason=self.cleaned_data["reason"],
            **self.shared(),
        )


class CancelForm(ActionForm):
    """Call the visit off."""

    reason = reason_field(required=True)

    def run(self) -> Appointment:
        return services.cancel(
            appointment_id=self.thing.pk,
            reason=self.cleaned_data["reason"],
            **self.shared(),
        )


class NotesForm(ActionForm):
    """Change what the technician should know."""

    notes = Lines(required=False, max_length=4000)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["notes"].initial = self.thing.notes

    def run(self) -> Appointment:
        return services.update_notes(
            appointment_id=self.thing.pk,
            notes=self.cleaned_data["notes"],
            **self.shared(),
        )


def steps_of(visit: Appointment) -> list[Status]:
    """Return the next steps but cancelling, which has a button of its own."""
    steps = [Step(row.status) for row in visit.crew]  # type: ignore[attr-defined]  # prefetched
    found = next_statuses(Status(visit.status), steps)
    return [status for status in found if status is not Status.CANCELLED]

"""The forms behind a visit's buttons. The rules are the services'."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from django import forms

from appointments import services
from appointments.admin.looks import words
from appointments.admin.openings import DAYS, alternatives_of, slot_page
from appointments.models import Appointment
from appointments.rules.states import Status, Step, next_statuses
from appointments.selectors import choices
from core.admin.forms import ActionForm, InstantField, reason_field
from core.walltime import local_date
from technicians.models import Technician


class AssignForm(ActionForm):
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
            "unfit": [(one, words(one.reason)) for one in found if one.reason],
            "alternatives": alternatives_of(self, zone=self.thing.location.time_zone),
        }

    def run(self) -> Appointment:
        return services.assign(
            appointment_id=self.thing.pk,
            technician_id=self.cleaned_data["technician"],
            reason=self.cleaned_data["reason"],
            **self.shared(),
        )


class SlotPicking(ActionForm):
    """Choose from what is on offer, a few days at a time.

    `query` are the page's parameters: `from` (a local day) and `technician`.
    """

    starts_at = InstantField(error_messages={"required": "Choose a time."})
    technician = forms.UUIDField(required=False, widget=forms.HiddenInput)

    def wanted_technician(self) -> UUID | None:
        """Return whom the page asks for, where he is one of the branch's."""
        wanted = self.query.get("technician", "")
        known = (one.pk for one in self.crew())
        return next((pk for pk in known if str(pk) == wanted), None)

    def crew(self) -> list[Technician]:
        """Return whom one may ask for."""
        visible = Technician.objects.visible_to(self.actor).active()
        rows = visible.filter(location=self.thing.location_id)
        return list(rows.order_by("name", "pk"))

    def first_day(self, otherwise: datetime) -> date:
        """Return the first local day to show: never one of the past."""
        zone = self.thing.location.time_zone
        today = local_date(self.now, zone=zone)
        try:
            wanted = date.fromisoformat(self.query.get("from", ""))
        except ValueError:
            wanted = local_date(otherwise, zone=zone)
        return max(today, min(wanted, date(2100, 1, 1)))


class RescheduleForm(SlotPicking):
    """Move the visit to another time on offer."""

    body = "admin/action/slots.html"
    reason = reason_field(required=False)

    def more(self) -> dict[str, Any]:
        visit = self.thing
        first = self.first_day(otherwise=visit.window_starts_at)
        chosen = self.wanted_technician()
        found = choices.openings(
            wish=choices.wish_of(visit, now=self.now),
            first_day=first,
            days=DAYS,
            technician_id=chosen,
            except_visit=visit.pk,
        )
        zone = visit.location.time_zone
        return slot_page(found, zone=zone, first=first) | {
            "crew": self.crew(),
            "chosen": chosen,
            "current": visit.window_starts_at.astimezone(zone).isoformat(),
            "alternatives": alternatives_of(self, zone=zone),
        }

    def run(self) -> Appointment:
        return services.reschedule(
            appointment_id=self.thing.pk,
            starts_at=self.cleaned_data["starts_at"],
            technician_id=self.cleaned_data["technician"],
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

    notes = forms.CharField(
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"class": "fb-input", "rows": 6}),
    )

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

"""The part of a form that sets soft rules aside (R9)."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.dateparse import parse_datetime

from accounts.rules.policy import may_override
from appointments.admin.looks import words
from appointments.rules.slots import Override, Reason
from core.actors import Role
from core.admin.forms import ActionForm

# Why a technician is not among the fit ones, and what would have to be set aside.
_WAYS_ROUND = {
    Reason.OUT_OF_ZONE: Override.ZONE,
    Reason.NO_SKILL: Override.SKILL,
    Reason.OFF_SHIFT: Override.OVERTIME,
}


class WallTimeField(forms.CharField):
    """A time by the branch's clock, to the minute."""

    widget = forms.DateTimeInput({"class": "fb-input", "type": "datetime-local"})

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value) or ""
        if not text:
            return None
        try:
            moment = parse_datetime(text)
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is not None:
            raise ValidationError("Enter a day and a time.", code="invalid")
        return moment


class Overriding(ActionForm):
    """Offer the rules that the actor may set aside."""

    override = forms.MultipleChoiceField(
        label="Set aside", required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["override"]
        assert isinstance(field, forms.MultipleChoiceField)  # noqa: S101  # for the type checker
        field.choices = [
            (rule.value, words(rule))
            for rule in Override
            if may_override(role=self.actor.role, rule=rule)
        ]

    def overridden(self) -> frozenset[Override]:
        """Return what is set aside; of a form that was checked."""
        return frozenset(map(Override, self.cleaned_data["override"]))


def way_round(reason: Reason | None, *, role: Role) -> Override | None:
    """Return what that role would have to set aside to send him all the same."""
    rule = _WAYS_ROUND.get(reason) if reason else None
    return rule if rule and may_override(role=role, rule=rule) else None

"""All weekly shifts at once, and all skills at once."""

from typing import Any
from uuid import UUID

from django import forms

from core.admin.roster import RosterForm
from core.admin.rows import RowsForm
from core.models import Location
from technicians import services
from technicians.admin.forms import DATE, SELECT, TIME, weekday_field
from technicians.models import ShiftKind, Skill, Technician

Choices = list[tuple[str, str]]


class ShiftRow(forms.Form):
    """A shift of each week; one that ends before it begins ends the next day."""

    weekday = weekday_field()
    starts = forms.TimeField(widget=TIME)
    ends = forms.TimeField(widget=TIME)
    kind = forms.ChoiceField(choices=ShiftKind.choices, widget=forms.Select(SELECT))
    location = forms.TypedChoiceField(
        coerce=UUID, label="Branch", widget=forms.Select(SELECT)
    )
    valid_from = forms.DateField(label="Holds from", required=False, widget=DATE)
    valid_until = forms.DateField(label="until", required=False, widget=DATE)

    def __init__(self, *args: Any, branches: Choices, home: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["location"] = _choosing(self.fields["location"], branches)
        self.fields["location"].initial = home

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        first, last = data.get("valid_from"), data.get("valid_until")
        if first and last and last < first:
            raise forms.ValidationError("It ends to hold before it begins.")
        return data


class ShiftsForm(RowsForm, RosterForm):
    """Let these be the weekly shifts, and no others."""

    row = ShiftRow

    def row_kwargs(self) -> dict[str, Any]:
        rows = Location.objects.order_by("name").values_list("pk", "name")
        return {
            "branches": [(str(pk), name) for pk, name in rows],
            "home": str(self.thing.location_id),
        }

    def rows_now(self) -> list[dict[str, Any]]:
        shifts = self.thing.weekly_shifts.order_by("weekday", "starts", "pk")
        names = ("weekday", "starts", "ends", "kind", "valid_from", "valid_until")
        return [
            {name: getattr(shift, name) for name in names}
            | {"location": str(shift.location_id)}
            for shift in shifts
        ]

    def run(self) -> Technician:
        shifts = [
            services.WeeklyShiftForm(location_id=row.pop("location"), **row)
            for row in self.wanted()
        ]
        return services.set_weekly_shifts(
            technician_id=self.thing.pk, shifts=shifts, **self.shared()
        )


class SkillRow(forms.Form):
    """A skill, and the last day on which its certificate holds."""

    skill = forms.TypedChoiceField(coerce=UUID, widget=forms.Select(SELECT))
    valid_until = forms.DateField(
        label="Certificate valid until", required=False, widget=DATE
    )

    def __init__(self, *args: Any, skills: Choices, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["skill"] = _choosing(self.fields["skill"], skills)


class SkillsForm(RowsForm, RosterForm):
    """Let these be the skills, and no others."""

    row = SkillRow

    def row_kwargs(self) -> dict[str, Any]:
        rows = Skill.objects.order_by("name").values_list("pk", "name")
        return {"skills": [("", ""), *((str(pk), name) for pk, name in rows)]}

    def rows_now(self) -> list[dict[str, Any]]:
        held = self.thing.technician_skills.order_by("skill__name")
        return [
            {"skill": str(one.skill_id), "valid_until": one.valid_until} for one in held
        ]

    def run(self) -> Technician:
        rows = self.wanted()
        skills = Skill.objects.in_bulk([row["skill"] for row in rows])
        grants = [
            services.SkillGrant(
                skill=skills[row["skill"]], valid_until=row["valid_until"]
            )
            for row in rows
        ]
        return services.set_skills(
            technician_id=self.thing.pk, grants=grants, **self.shared()
        )


def _choosing(field: forms.Field, choices: Choices) -> forms.Field:
    assert isinstance(field, forms.ChoiceField)  # noqa: S101  # for the type checker
    field.choices = choices
    return field

"""The forms behind the buttons of a maintenance plan and of its visits."""

import re
from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import Http404

from appointments.admin.picking import SlotPicking
from appointments.models import MaintenancePlan, PlanOccurrence, Service
from appointments.models.plans import TOLERANCES
from appointments.rules.plans import MOST_SEASONS, MonthDay, Season, Tolerance
from appointments.selectors import capacity
from appointments.services import plans
from core.admin.forms import ActionForm, Line, Lines, reason_field
from core.admin.rows import RowsForm
from core.models import Location
from core.models.company import Weekday
from core.walltime import day_start
from leads.models import Property
from technicians.models import Technician

_INPUT = {"class": "fb-input"}
_DATE = forms.DateInput({"class": "fb-input", "type": "date"}, format="%Y-%m-%d")
_TIME = forms.TimeInput({"class": "fb-input", "type": "time"}, format="%H:%M")
_LEAP_YEAR = 2028


class MonthDayField(forms.CharField):
    """A day of every year, as 03-01."""

    widget = forms.TextInput(
        {"class": "fb-input", "placeholder": "MM-DD", "size": 6, "autocomplete": "off"}
    )

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if not text:
            return None
        found = re.fullmatch(r"(\d\d?)-(\d\d?)", text, re.ASCII)
        try:
            day = date(_LEAP_YEAR, int(found[1]), int(found[2])) if found else None
        except ValueError:
            day = None
        if day is None:
            raise ValidationError("Give a day of the year such as 03-01.")
        return MonthDay(day.month, day.day)


class SeasonRow(forms.Form):
    """A visit that each year brings."""

    key = forms.SlugField(label="Season", max_length=20, widget=forms.TextInput(_INPUT))
    first = MonthDayField(label="From (month-day)")
    last = MonthDayField(label="until")
    weekday = forms.TypedChoiceField(
        label="At best on",
        choices=[("", "Any day"), *Weekday.choices],
        coerce=int,
        empty_value=None,
        required=False,
        widget=forms.Select(_INPUT),
    )
    starts = forms.TimeField(label="at", widget=_TIME)


class AgreementForm(RowsForm):
    """All that is agreed on: of a new plan for an address, or of one there is."""

    body = "admin/action/plan.html"
    row = SeasonRow
    extra = 2

    service = forms.ModelChoiceField(
        Service.objects.none(), to_field_name="code", widget=forms.Select(_INPUT)
    )
    location = forms.ModelChoiceField(
        Location.objects.none(), label="Branch", widget=forms.Select(_INPUT)
    )
    technician = forms.ModelChoiceField(
        Technician.objects.none(),
        required=False,
        label="Preferred technician",
        empty_label="Whoever is best placed",
        widget=forms.Select(_INPUT),
    )
    tolerance = forms.ChoiceField(
        choices=TOLERANCES,
        initial=Tolerance.ANY,
        label="Where the wished time is taken",
        widget=forms.Select(_INPUT),
    )
    valid_from = forms.DateField(required=False, widget=_DATE)
    valid_until = forms.DateField(required=False, widget=_DATE)
    notes = Lines(label="Notes for the technician", required=False, max_length=4000)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        branches = Location.objects.visible_to(self.actor).order_by("name")
        crew = Technician.objects.visible_to(self.actor).active()
        self._offer("technician", crew.order_by("name", "pk"))
        if self.thing is None:
            self.property = self._property()
            self._offer("service", Service.objects.bookable().order_by("name", "pk"))
            self._offer("location", branches)
            self.fields["location"].initial = self._serving()
            return
        # Another service or branch is another agreement.
        for name in ("service", "location", "valid_from"):
            del self.fields[name]
        for name in ("technician", "tolerance", "valid_until", "notes"):
            self.fields[name].initial = getattr(self.thing, name)

    def rows_now(self) -> list[dict[str, Any]]:
        if self.thing is None:
            return []
        seasons = sorted(
            (season.rule for season in self.thing.seasons.all()),
            key=lambda season: season.first,
        )
        return [
            {
                "key": season.key,
                "first": f"{season.first.month:02}-{season.first.day:02}",
                "last": f"{season.last.month:02}-{season.last.day:02}",
                "weekday": "" if season.weekday is None else season.weekday,
                "starts": season.starts,
            }
            for season in seasons
        ]

    def more(self) -> dict[str, Any]:
        customer = self.thing.customer if self.thing else self.property.customer
        place = self.thing.property if self.thing else self.property
        return {"customer": customer, "place": place, "most": MOST_SEASONS}

    def run(self) -> MaintenancePlan:
        data = self.cleaned_data
        common = {
            "seasons": [Season(**row) for row in self.wanted()],
            "technician_id": data["technician"] and data["technician"].pk,
            "tolerance": Tolerance(data["tolerance"]),
            "valid_until": data["valid_until"],
            "notes": data["notes"],
        }
        if self.thing is not None:
            return plans.amend(plan_id=self.thing.pk, changes=common, **self.shared())
        form = plans.PlanForm(
            property=self.property,
            service=data["service"],
            location=data["location"],
            valid_from=data["valid_from"],
            **common,
        )
        return plans.create(form=form, **self.shared())

    def _offer(self, name: str, rows: Any) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ModelChoiceField)  # noqa: S101  # for the type checker
        field.queryset = rows

    def _property(self) -> Property:
        """Return the address that the page's parameter names."""
        try:
            places = Property.objects.select_related("customer")
            return places.get(pk=self.query.get("property", ""))
        except (Property.DoesNotExist, ValidationError) as error:
            raise Http404 from error

    def _serving(self) -> Location | None:
        try:
            return capacity.location_serving(self.property.postal_code)
        except capacity.OutOfServiceArea:
            return None


class PauseForm(ActionForm):
    """Book nothing for a while."""

    reason = reason_field(required=False)

    def run(self) -> MaintenancePlan:
        return plans.pause(
            plan_id=self.thing.pk,
            reason=self.cleaned_data["reason"],
            **self.shared(),
        )


class ResumeForm(ActionForm):
    """Book again."""

    def run(self) -> MaintenancePlan:
        return plans.resume(plan_id=self.thing.pk, **self.shared())


class EndForm(ActionForm):
    """End the plan for good."""

    reason = reason_field(required=True)

    def run(self) -> MaintenancePlan:
        return plans.end(
            plan_id=self.thing.pk,
            reason=self.cleaned_data["reason"],
            **self.shared(),
        )


class BookOccurrenceForm(SlotPicking):
    """Book the visit at one of the times on offer."""

    body = "admin/action/slots.html"
    reason = reason_field(required=False)

    def more(self) -> dict[str, Any]:
        plan = self.thing.plan
        wish = capacity.wish_for(
            service=plan.service,
            location=plan.location,
            postal_code=plan.property.postal_code,
            address=plan.property,
            now=self.now,
        )
        begins = day_start(self.thing.first_day, zone=plan.location.time_zone)
        return self.on_offer(wish=wish, location=plan.location, near=begins)

    def run(self) -> PlanOccurrence:
        data = self.cleaned_data
        return plans.book_occurrence(
            occurrence_id=self.thing.pk,
            starts_at=data["starts_at"],
            technician_id=data["technician"],
            override=self.overridden(),
            reason=data["reason"],
            **self.shared(),
        )


class SkipForm(ActionForm):
    """Do without the visit of this period."""

    reason: Line = reason_field(required=True)

    def run(self) -> PlanOccurrence:
        return plans.skip_occurrence(
            occurrence_id=self.thing.pk,
            reason=self.cleaned_data["reason"],
            **self.shared(),
        )


class RetryForm(ActionForm):
    """Let the generator try again, at once."""

    def run(self) -> PlanOccurrence:
        return plans.retry_occurrence(occurrence_id=self.thing.pk, **self.shared())

"""The forms behind a technician's buttons. Each calls a service that takes the lock."""

from datetime import datetime
from typing import Any

from django import forms

from accounts.models import User
from core.actors import Role
from core.admin.forms import ActionForm, Line
from core.admin.roster import RosterForm
from core.models import Location, Zone
from core.models.company import Weekday
from technicians import services
from technicians.models import ShiftException, Technician, TimeOff
from technicians.models import ShiftKind as Kind

SELECT = {"class": "fb-input"}
DATE = forms.DateInput({"class": "fb-input", "type": "date"}, format="%Y-%m-%d")
TIME = forms.TimeInput({"class": "fb-input", "type": "time"}, format="%H:%M")
WHEN = forms.DateTimeInput(
    {"class": "fb-input", "type": "datetime-local"}, format="%Y-%m-%dT%H:%M"
)


def branch_field(**given: Any) -> forms.ModelChoiceField:
    """Return the choice of a branch."""
    return forms.ModelChoiceField(
        Location.objects.order_by("name"),
        label="Branch",
        widget=forms.Select(SELECT),
        **given,
    )


class TechnicianForm(RosterForm):
    """Who they are, where they belong and how they are reached."""

    name = Line(max_length=100)
    location = branch_field()
    phone = Line(required=False, max_length=16)
    email = forms.EmailField(
        label="E-mail", required=False, widget=forms.EmailInput(SELECT)
    )
    zones = forms.ModelMultipleChoiceField(
        Zone.objects.none(),
        required=False,
        label="Zones (none: the whole area)",
        widget=forms.CheckboxSelectMultiple,
    )
    user = forms.ModelChoiceField(
        User.objects.filter(role=Role.TECHNICIAN).order_by("name"),
        required=False,
        label="Signs in as",
        empty_label="Nobody",
        widget=forms.Select(SELECT),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        branches = Location.objects.visible_to(self.actor).order_by("name")
        self._offer("location", branches)
        self._offer(
            "zones", Zone.objects.filter(location__in=branches).order_by("name")
        )
        for name in self.fields if self.thing is not None else ():
            if name not in {"version", "zones"}:
                self.fields[name].initial = getattr(self.thing, name)
        if self.thing is not None:
            self.fields["zones"].initial = [zone.pk for zone in self.thing.zones.all()]

    def _offer(self, name: str, rows: Any) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ModelChoiceField)  # noqa: S101  # for the type checker
        field.queryset = rows

    def run(self) -> Technician:
        fields = {
            name: value
            for name, value in self.cleaned_data.items()
            if name != "version"
        }
        if self.thing is None:
            return services.create_technician(
                fields=fields, actor=self.actor, now=self.now
            )
        return services.update_technician(
            technician_id=self.thing.pk, changes=fields, **self.shared()
        )


class TimeOffForm(RosterForm):
    """Let somebody be away; the times are those of the branch's clock."""

    starts_at = forms.CharField(label="From", widget=WHEN)
    ends_at = forms.CharField(label="Until", widget=WHEN)
    reason = Line(required=False, max_length=200)

    def clean_starts_at(self) -> Any:
        return _wall_time(self.cleaned_data["starts_at"])

    def clean_ends_at(self) -> Any:
        return _wall_time(self.cleaned_data["ends_at"])

    def run(self) -> TimeOff:
        data = self.cleaned_data
        return services.add_time_off(
            technician_id=self.thing.pk,
            starts_at=data["starts_at"],
            ends_at=data["ends_at"],
            reason=data["reason"],
            actor=self.actor,
            now=self.now,
            on_conflict=self.on_conflict,
        )


class ExceptionForm(RosterForm):
    """Other hours on one day; without times, off."""

    date = forms.DateField(widget=DATE)
    starts = forms.TimeField(label="From (empty: off)", required=False, widget=TIME)
    ends = forms.TimeField(label="Until", required=False, widget=TIME)
    location = branch_field(required=False, empty_label="Home branch")
    kind = forms.ChoiceField(choices=Kind.choices, widget=forms.Select(SELECT))
    reason = Line(required=False, max_length=200)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if (data.get("starts") is None) != (data.get("ends") is None):
            raise forms.ValidationError("Give both times, or none for a day off.")
        return data

    def run(self) -> ShiftException:
        data = self.cleaned_data
        works = data["starts"] is not None
        home = data["location"].pk if data["location"] else self.thing.location_id
        return services.add_shift_exception(
            technician_id=self.thing.pk,
            form=services.ShiftExceptionForm(
                date=data["date"],
                location_id=home if works else None,
                starts=data["starts"],
                ends=data["ends"],
                kind=data["kind"],
                reason=data["reason"],
            ),
            actor=self.actor,
            now=self.now,
            on_conflict=self.on_conflict,
        )


class RemoveForm(RosterForm):
    """Take away an absence or an exception that still lies ahead."""

    row = forms.ChoiceField(label="Which", widget=forms.Select(SELECT))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zone = self.thing.location.time_zone
        today = self.now.astimezone(zone).date()
        field = self.fields["row"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101  # for the type checker
        field.choices = [
            *(
                (f"off:{row.pk}", f"Away {row.starts_at.astimezone(zone):%b %d %H:%M}")
                for row in self.thing.time_offs.filter(ends_at__gt=self.now)
            ),
            *(
                (f"day:{row.pk}", f"Exception on {row}")
                for row in self.thing.shift_exceptions.filter(date__gte=today)
            ),
        ]

    def run(self) -> None:
        kind, _, pk = self.cleaned_data["row"].partition(":")
        common = {
            "technician_id": self.thing.pk,
            "actor": self.actor,
            "now": self.now,
        }
        if kind == "off":
            services.remove_time_off(time_off_id=pk, **common)
        else:
            services.remove_shift_exception(
                exception_id=pk, on_conflict=self.on_conflict, **common
            )


class DeactivateForm(RosterForm):
    """Book no more visits for them."""

    def run(self) -> Technician:
        return services.deactivate_technician(
            technician_id=self.thing.pk, **self.shared()
        )


class ReactivateForm(ActionForm):
    """Book visits for them again."""

    def run(self) -> Technician:
        return services.reactivate_technician(
            technician_id=self.thing.pk, **self.shared()
        )


def weekday_field() -> forms.TypedChoiceField:
    """Return the choice of a weekday."""
    return forms.TypedChoiceField(
        coerce=int,
        label="Day",
        choices=[("", ""), *Weekday.choices],
        widget=forms.Select(SELECT),
    )


def _wall_time(text: str) -> Any:
    """Return a wall time without a zone; the service reads it by the branch's clock."""
    try:
        return datetime.strptime(text[:16], "%Y-%m-%dT%H:%M")  # noqa: DTZ007  # on purpose
    except ValueError as error:
        raise forms.ValidationError("Give a day and a time.") from error

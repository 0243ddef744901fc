"""The forms of caps, and of customers' words about technicians."""

from typing import Any

from django import forms

from appointments import services
from appointments.models import Cap, PreferenceKind, Service, TechnicianPreference
from core.admin.forms import ActionForm, Line
from core.models import Location, Zone
from core.models.company import Weekday
from technicians.models import Technician

_SELECT = {"class": "fb-input"}
_ALL = ("", "All")


def _most_field() -> forms.IntegerField:
    return forms.IntegerField(
        label="Visits a day, at most",
        min_value=0,
        max_value=10_000,
        widget=forms.NumberInput(_SELECT),
    )


def _choose(label: str, rows: Any, *, required: bool = False) -> forms.ModelChoiceField:
    return forms.ModelChoiceField(
        rows,
        label=label,
        required=required,
        empty_label="Choose" if required else "All",
        widget=forms.Select(_SELECT),
    )


class NewCapForm(ActionForm):
    """What is capped, and at how many."""

    location = _choose("Branch", Location.objects.order_by("name"), required=True)
    service = _choose("Service", Service.objects.order_by("name"))
    zone = _choose("Zone", Zone.objects.order_by("location__name", "name"))
    weekday = forms.TypedChoiceField(
        coerce=int,
        empty_value=None,
        required=False,
        choices=[_ALL, *Weekday.choices],
        widget=forms.Select(_SELECT),
    )
    most = _most_field()

    def run(self) -> Cap:
        return services.create_cap(**self.cleaned_data, actor=self.actor, now=self.now)


class CapForm(ActionForm):
    """Another number."""

    most = _most_field()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["most"].initial = self.thing.most

    def run(self) -> Cap:
        most = self.cleaned_data["most"]
        return services.change_cap(
            cap_id=self.thing.pk, most=most, actor=self.actor, now=self.now
        )


class DeleteCapForm(ActionForm):
    """Take it away."""

    def run(self) -> None:
        services.delete_cap(cap_id=self.thing.pk, actor=self.actor, now=self.now)


class PreferenceForm(ActionForm):
    """What a customer says of a technician; the customer's page leads here."""

    customer = forms.UUIDField(widget=forms.HiddenInput)
    technician = _choose("Technician", Technician.objects.none(), required=True)
    kind = forms.ChoiceField(
        label="The customer",
        choices=[
            (PreferenceKind.PREFERRED.value, "prefers the technician"),
            (PreferenceKind.BARRED.value, "does not want the technician"),
        ],
        widget=forms.Select(_SELECT),
    )
    reason = Line(required=False, max_length=200)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["customer"].initial = self.query.get("customer")
        field = self.fields["technician"]
        assert isinstance(field, forms.ModelChoiceField)  # noqa: S101  # for the type checker
        crew = Technician.objects.visible_to(self.actor).active()
        field.queryset = crew.order_by("name", "pk")

    def run(self) -> TechnicianPreference:
        data = self.cleaned_data
        return services.set_preference(
            customer_id=data["customer"],
            technician=data["technician"],
            kind=PreferenceKind(data["kind"]),
            reason=data["reason"],
            actor=self.actor,
            now=self.now,
        )


class DeletePreferenceForm(ActionForm):
    """Forget it."""

    def run(self) -> None:
        services.delete_preference(
            customer_id=self.thing.customer_id,
            technician_id=self.thing.technician_id,
            actor=self.actor,
            now=self.now,
        )

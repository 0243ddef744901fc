"""Swap two visits that were ticked in the list."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django import forms

from appointments import services
from appointments.admin import looks
from appointments.models import Appointment
from appointments.services import Exchange
from core.admin.actions import Action
from core.admin.display import window_text
from core.admin.forms import ActionForm, reason_field


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two visits, as they were when the form was shown."""

    first: Appointment
    second: Appointment

    @property
    def pk(self) -> UUID:
        """The visit whose page one comes back to."""
        return self.first.pk

    def __str__(self) -> str:
        return f"{self.first} and {self.second}"


class SwapForm(ActionForm):
    """What the two exchange, and why."""

    exchange = forms.ChoiceField(
        label="They exchange",
        choices=[
            (Exchange.TECHNICIANS.value, "their technicians, and keep their times"),
            (Exchange.PLANS.value, "their technicians and their times"),
        ],
        widget=forms.Select({"class": "fb-input"}),
    )
    reason = reason_field(required=False)
    first_version = forms.IntegerField(widget=forms.HiddenInput)
    second_version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["first_version"].initial = self.thing.first.version
        self.fields["second_version"].initial = self.thing.second.version

    def run(self) -> Appointment:
        data = self.cleaned_data
        first, _ = services.swap(
            first_id=self.thing.first.pk,
            second_id=self.thing.second.pk,
            exchange=Exchange(data["exchange"]),
            reason=data["reason"],
            first_version=data["first_version"],
            second_version=data["second_version"],
            **self.shared(),
        )
        return first


SWAP = Action(
    slug="swap",
    label="Swap",
    icon="swap_horiz",
    form=SwapForm,
    done="The two visits are swapped.",
    hint="Both customers are still met within the hours that they were promised.",
)


def summary_of(pair: Pair) -> list[tuple[str, Any]]:
    """Return what one decides about."""
    rows: list[tuple[str, Any]] = []
    for visit in (pair.first, pair.second):
        zone = visit.location.time_zone
        rows += [
            (visit.reference, visit.customer.name),
            (
                "Promise",
                window_text(visit.window_starts_at, visit.window_ends_at, zone=zone),
            ),
            ("Technician", looks.crew(visit)),
        ]
    return rows

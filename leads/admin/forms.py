"""The forms behind a lead's buttons. The rules are the services'."""

from typing import Any

from django import forms

from core.admin.forms import ActionForm, Line, Lines, reason_field
from core.models import Location
from leads import services
from leads.models import Lead


class ContactedForm(ActionForm):
    """Note that somebody has answered."""

    def run(self) -> Lead:
        return services.mark_contacted(lead_id=self.thing.pk, **self.shared())


class DismissForm(ActionForm):
    """Put the lead aside for good."""

    reason = reason_field(required=True)

    def run(self) -> Lead:
        return services.dismiss_lead(
            lead_id=self.thing.pk,
            reason=self.cleaned_data["reason"],
            **self.shared(),
        )


class LeadEditForm(ActionForm):
    """Correct what was written down."""

    name = Line(max_length=120)
    phone_given = Line(label="Phone", required=False, max_length=60)
    email = Line(label="E-mail", required=False, max_length=254)
    line1 = Line(label="Street", required=False, max_length=200)
    line2 = Line(label="Unit", required=False, max_length=100)
    city = Line(required=False, max_length=100)
    region = Line(label="State", required=False, max_length=50)
    postal_code = Line(label="ZIP", required=False, max_length=10)
    location = forms.ModelChoiceField(
        label="Branch",
        queryset=Location.objects.none(),
        required=False,
        empty_label="As the ZIP says",
        widget=forms.Select(attrs={"class": "fb-input"}),
    )
    message = Lines(required=False, max_length=4000)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        branch = self.fields["location"]
        assert isinstance(branch, forms.ModelChoiceField)  # noqa: S101  # for the type checker
        branch.queryset = Location.objects.visible_to(self.actor).order_by("name")
        for name, field in self.fields.items():
            if name != "version":
                field.initial = getattr(self.thing, name)

    def run(self) -> Lead:
        """Hand over what was touched, so that a branch not named stays made out."""
        changes = {
            name: value
            for name, value in self.cleaned_data.items()
            if name in self.changed_data and name != "version"
        }
        return services.update_lead(
            lead_id=self.thing.pk, changes=changes, **self.shared()
        )

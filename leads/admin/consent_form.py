"""The form behind a customer's consent."""

from typing import Any

from django import forms

from core.admin.forms import ActionForm, Line
from leads import services
from leads.models import ConsentAction, ConsentEvent, ConsentKind, ContactKind, Purpose

_INPUT = {"class": "fb-input"}
_PURPOSES = [
    (Purpose.MARKETING, "Advertising"),
    (Purpose.SERVICE, "Messages about their visits"),
]
_ANSWERS = [(ConsentAction.REVOKED, "No"), (ConsentAction.GRANTED, "Yes")]


class ConsentForm(ActionForm):
    """What a customer said to being written to."""

    contact = forms.ChoiceField(label="At", widget=forms.Select(_INPUT))
    purpose = forms.ChoiceField(
        label="What", choices=_PURPOSES, widget=forms.Select(_INPUT)
    )
    answer = forms.ChoiceField(
        label="They say", choices=_ANSWERS, widget=forms.Select(_INPUT)
    )
    evidence = Line(label="How and when they said it", max_length=500)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._kinds = {
            one.value: ConsentKind.SMS
            if one.kind == ContactKind.PHONE
            else ConsentKind.EMAIL
            for one in self.thing.contact_methods.all()
        }
        contact = self.fields["contact"]
        assert isinstance(contact, forms.ChoiceField)  # noqa: S101  # tells its type
        contact.choices = [(value, value) for value in self._kinds]

    def run(self) -> ConsentEvent:
        data = self.cleaned_data
        return services.record_consent(
            word=services.Word(
                contact=data["contact"],
                kind=self._kinds[data["contact"]],
                purpose=Purpose(data["purpose"]),
                action=ConsentAction(data["answer"]),
                source="staff",
                evidence=data["evidence"],
            ),
            customer=self.thing,
            actor=self.actor,
            now=self.now,
        )

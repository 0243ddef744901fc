"""Small forms behind buttons: one service call each."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.dateparse import parse_datetime

from core.actors import Actor
from core.errors import DomainError
from core.text import clean_text


class Line(forms.CharField):
    """A line of text, cleaned as the API cleans it."""

    widget: forms.Widget = forms.TextInput({"class": "fb-input", "autocomplete": "off"})

    def to_python(self, value: Any) -> str:
        return clean_text(super().to_python(value) or "")


class Lines(Line):
    """Some lines of text."""

    widget = forms.Textarea({"class": "fb-input", "rows": 5})


class InstantField(forms.CharField):
    """A moment as RFC 3339 with its offset: the value of a slot on offer."""

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value) or ""
        if not text:
            return None
        try:
            moment = parse_datetime(text)
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None:
            raise ValidationError("Choose one of the times on offer.", code="invalid")
        return moment


def reason_field(*, required: bool, label: str = "Reason") -> Line:
    """Return the line that says why; it stands in the history."""
    return Line(label=label, required=required, max_length=500)


class ActionForm(forms.Form):
    """Something to do with one thing, as it was when the form was shown.

    `version` travels with the form, so that nobody undoes what a colleague did in
    the meantime without having seen it. Where `thing` is None, one is to be made.
    `query` are the page's parameters, where it has some.
    """

    body = "admin/action/fields.html"
    is_wide = False  # whether it needs the room beside it
    version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(
        self,
        *args: Any,
        thing: Any,
        actor: Actor,
        now: datetime,
        query: Mapping[str, str],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        if hasattr(thing, "version"):
            self.fields["version"].initial = thing.version
        else:
            del self.fields["version"]
        self.thing = thing
        self.actor = actor
        self.now = now
        self.query = query
        # What a refusal offers instead: starts and ends in local time (RFC 3339).
        self.alternatives: list[dict[str, str]] = []
        # Which booked visits stand in the way of it (see `core.admin.roster`).
        self.stranded: list[dict[str, str]] = []

    def run(self) -> Any:
        """Call the service; its errors are the view's to tell."""
        raise NotImplementedError

    def more(self) -> dict[str, Any]:
        """Return what the page shows beside the fields."""
        return {}

    def shown_once(self, made: Any) -> str | None:
        """Return a secret that is shown now and never again, where there is one."""
        return None

    def shared(self) -> dict[str, Any]:
        """Return what every service takes."""
        common = {"actor": self.actor, "now": self.now}
        if "version" not in self.fields:
            return common
        return common | {"expected_version": self.cleaned_data["version"]}


def sentence(error: DomainError) -> str:
    """Return what a person is told of a refusal."""
    faults = error.extra.get("errors")
    text = " ".join(one["detail"] for one in faults) if faults else str(error)
    allowed = error.extra.get("allowed")
    if allowed:
        text += f" Possible now: {', '.join(allowed).replace('_', ' ')}."
    return text

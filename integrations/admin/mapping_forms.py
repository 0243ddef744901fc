"""The whole mapping of a connection at once."""

from typing import Any

from django import forms

from core.admin.forms import Line
from core.admin.rows import RowsForm
from integrations import selectors, services
from integrations.models import Connection, Direction, Winner


def _line(size: int) -> forms.TextInput:
    return forms.TextInput({"class": "fb-input", "autocomplete": "off", "size": size})


class MappingRow(forms.Form):
    """One field of ours at the vendor."""

    object_type = Line(label="Thing", max_length=30, widget=_line(10))
    field = Line(label="Our field", max_length=60, widget=_line(14))
    remote = Line(label="Theirs", max_length=120, widget=_line(22))
    direction = forms.ChoiceField(
        choices=Direction.choices,
        initial=Direction.BOTH,
        widget=forms.Select({"class": "fb-input"}),
    )
    winner = forms.ChoiceField(
        label="Wins",
        choices=Winner.choices,
        initial=Winner.OURS,
        widget=forms.Select({"class": "fb-input"}),
    )
    choices = forms.JSONField(
        label="Values, ours to theirs",
        required=False,
        initial=dict,
        widget=forms.Textarea({"class": "fb-input", "rows": 1, "cols": 14}),
    )

    def clean_choices(self) -> dict[str, str]:
        """Take an object of texts, or nothing."""
        given = self.cleaned_data["choices"] or {}
        if not isinstance(given, dict) or not all(
            isinstance(value, str) for value in given.values()
        ):
            raise forms.ValidationError('Write an object of texts: {"ours": "theirs"}.')
        return given


class MappingsForm(RowsForm):
    """Let these be the fields that are synced, and no others."""

    row = MappingRow

    def rows_now(self) -> list[dict[str, Any]]:
        rows = selectors.mappings_of(self.thing.pk).order_by("object_type", "field")
        names = ("object_type", "field", "remote", "direction", "winner", "choices")
        return [{name: getattr(row, name) for name in names} for row in rows]

    def run(self) -> Connection:
        return services.set_mappings(
            connection_id=self.thing.pk,
            forms=[services.MappingForm(**row) for row in self.wanted()],
            **self.shared(),
        )

"""A form of rows: all of a thing's shifts, or all of its skills, at once."""

from typing import Any

from django import forms

from core.admin.forms import ActionForm


class RowsForm(ActionForm):
    """Rows that replace those there were; an empty row says nothing."""

    body = "admin/action/rows.html"
    is_wide = True
    row: type[forms.Form]
    extra = 3

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        make = forms.formset_factory(
            self.row, extra=self.extra, can_delete=True, max_num=100
        )
        data = self.data if self.is_bound else None
        self.rows = make(
            data, initial=self.rows_now(), prefix="rows", form_kwargs=self.row_kwargs()
        )

        # The head of the table names a column; a screen reader wants it in each cell.
        for row in self.rows:
            for name, field in row.fields.items():
                field.widget.attrs["aria-label"] = field.label or name.capitalize()

    def row_kwargs(self) -> dict[str, Any]:
        """Return what every row is made with: choices, asked for once."""
        return {}

    def rows_now(self) -> list[dict[str, Any]]:
        """Return the rows as they are."""
        raise NotImplementedError

    def is_valid(self) -> bool:
        return super().is_valid() and self.rows.is_valid()

    def wanted(self) -> list[dict[str, Any]]:
        """Return the rows as they should be."""
        filled = [data for data in self.rows.cleaned_data if data]
        return [
            {name: value for name, value in data.items() if name != "DELETE"}
            for data in filled
            if not data.get("DELETE")
        ]

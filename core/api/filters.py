"""Filters that let nothing strange near the database."""

from datetime import datetime
from typing import Any

import django_filters as filters
from django import forms
from django.core.validators import EMPTY_VALUES
from django.http import QueryDict
from django_filters.fields import IsoDateTimeField
from django_filters.utils import translate_validation

from core.api.fields import EARLIEST, LATEST


class _MomentField(IsoDateTimeField):
    """An instant in 2000..2100."""

    def to_python(self, value: Any) -> datetime | None:
        refusal = forms.ValidationError("Must lie in 2000..2100.", code="range")
        try:
            moment: datetime | None = super().to_python(value)
        except OverflowError as error:  # year 1, and an offset that leads out of it
            raise refusal from error
        if moment is not None and not EARLIEST <= moment.date() < LATEST:
            raise refusal
        return moment


class MomentFilter(filters.IsoDateTimeFilter):
    """Narrow by an instant; without an offset it is read as UTC."""

    field_class = _MomentField


def checked_filters(
    filter_set: type[filters.FilterSet], params: QueryDict
) -> dict[str, Any]:
    """Return what a query asks for, by the names and the checks of a filter set.

    A filter set itself copies all its filters and makes a form of them, with each
    request; this asks those fields only that the query names.
    """
    wanted: dict[str, Any] = {}
    for name in filter_set.base_filters.keys() & params.keys():
        field = filter_set.base_filters[name].field
        try:
            value = field.clean(field.widget.value_from_datadict(params, {}, name))
        except forms.ValidationError:
            # The filter set knows how to put it, and what else is wrong.
            raise translate_validation(filter_set(params).errors) from None
        if value not in EMPTY_VALUES:
            wanted[name] = value
    return wanted

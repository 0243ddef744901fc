"""Filters that let nothing strange near the database."""

from datetime import datetime
from typing import Any

import django_filters as filters
from django import forms
from django_filters.fields import IsoDateTimeField

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

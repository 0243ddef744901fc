"""Forms that refuse what they do not know."""

from collections.abc import Mapping
from functools import cache, lru_cache
from types import MappingProxyType
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail
from rest_framework.request import Request

from core.api.fields import CleanCharField, CleanEmailField, DayField

__all__ = [
    "CleanCharField",
    "CleanEmailField",
    "DayField",
    "StrictSerializer",
    "checked_body",
    "checked_query",
]


class StrictSerializer(serializers.Serializer):
    """A form in which each field is expected: a misspelt one is an error, not air.

    A read-only field is not expected either.
    """

    def to_internal_value(self, data: Any) -> Any:
        unknown = self._unknown(data)
        if not unknown:
            return super().to_internal_value(data)
        try:
            super().to_internal_value(data)
        except serializers.ValidationError as error:
            if isinstance(error.detail, dict):
                unknown |= error.detail
        raise serializers.ValidationError(unknown)

    def _unknown(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, Mapping):
            return {}
        expected = {name for name, field in self.fields.items() if not field.read_only}
        return {
            str(name): [ErrorDetail("There is no such field.", code="unknown_field")]
            for name in data
            if name not in expected
        }


def checked_body(form: type[StrictSerializer], request: Request) -> dict[str, Any]:
    """Return what the body says, checked.

    By one instance of the form a process: making its fields takes longer than asking
    them. A form checked so keeps nothing of what it is asked, and knows no view.
    """
    values: dict[str, Any] = _kept(form).run_validation(request.data)
    return values


@cache
def _kept(form: type[StrictSerializer]) -> StrictSerializer:
    return form()


def checked_query(form: type[StrictSerializer], request: Request) -> Mapping[str, Any]:
    """Return the query's parameters, checked; one given twice counts once, the last.

    The same parameters are checked once a process: a website asks the same questions
    over and over. So a form of queries must not look at the clock or the database.
    """
    return _checked(form, frozenset(request.query_params.dict().items()))


@lru_cache(maxsize=2_000)
def _checked(
    form: type[StrictSerializer], given: frozenset[tuple[str, str]]
) -> Mapping[str, Any]:
    query = form(data=dict(given))
    query.is_valid(raise_exception=True)
    return MappingProxyType(query.validated_data)

"""Forms that refuse what they do not know."""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from core.api.fields import CleanCharField, CleanEmailField, DayField

__all__ = ["CleanCharField", "CleanEmailField", "DayField", "StrictSerializer"]


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

"""The admin site's login."""

from typing import Any

from django.core.exceptions import ValidationError
from rest_framework.exceptions import Throttled
from unfold.forms import AuthenticationForm


class LoginForm(AuthenticationForm):
    """Say in the form, rather than as an error page, that one tried too often."""

    def clean(self) -> dict[str, Any]:
        try:
            cleaned: dict[str, Any] = super().clean()
        except Throttled as error:
            message = "Too many attempts. Wait a little and try again."
            raise ValidationError(message, code="throttled") from error
        return cleaned

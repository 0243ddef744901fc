"""The admin site's forms for signing in and for one's own password."""

from typing import Any

from django.core.exceptions import ValidationError
from django.utils import timezone
from rest_framework.exceptions import Throttled
from unfold.forms import AdminOwnPasswordChangeForm, AuthenticationForm

from accounts import selectors, services
from accounts.models import User


class LoginForm(AuthenticationForm):
    """Say in the form, rather than as an error page, that one tried too often."""

    def clean(self) -> dict[str, Any]:
        try:
            cleaned: dict[str, Any] = super().clean()
        except Throttled as error:
            message = "Too many attempts. Wait a little and try again."
            raise ValidationError(message, code="throttled") from error
        return cleaned


class OwnPasswordForm(AdminOwnPasswordChangeForm):
    """Change one's password as the API does: guesses count, the change is told."""

    user: User

    def clean_old_password(self) -> str:
        given: str = self.cleaned_data["old_password"]
        now = timezone.now()
        email = self.user.email
        if services.check_credentials(email=email, password=given, now=now) is None:
            raise ValidationError(
                self.error_messages["password_incorrect"], code="password_incorrect"
            )
        return given

    def save(self, commit: bool = True) -> User:  # noqa: FBT001, FBT002  # Django's
        # The view keeps the present session for `self.user` as they are afterwards.
        self.user = services.change_password(
            user_id=self.user.pk,
            password=self.cleaned_data["new_password1"],
            by=selectors.actor_of_user(self.user),
            now=timezone.now(),
        )
        return self.user

"""The one door for passwords: the API and the admin site both come through here."""

import uuid
from datetime import timedelta
from math import ceil
from typing import Any

from django.conf import settings
from django.contrib.auth.backends import BaseBackend
from django.http import HttpRequest
from django.utils import timezone
from rest_framework.exceptions import Throttled

from accounts import services
from accounts.models import AttemptScope, User
from core.api.throttling import client_address, hit, parse_rate
from core.text import normalise_email


class PasswordBackend(BaseBackend):
    """Check e-mail and password, so and so often per account and per address."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> User | None:
        """Return the user, or None whatever was wrong.

        Raises:
            Throttled: too many tries of this account, or from this address.
        """
        if username is None or password is None:
            return None
        if request is not None:
            address = client_address(request)
            _limit(request, scope=AttemptScope.LOGIN_ADDRESS, value=address)
        account = normalise_email(username)
        _limit(request, scope=AttemptScope.LOGIN_ACCOUNT, value=account)
        return services.check_credentials(
            email=username, password=password, now=timezone.now()
        )

    def get_user(self, user_id: uuid.UUID) -> User | None:
        return User.objects.filter(pk=user_id, is_active=True).first()


def _limit(request: HttpRequest | None, *, scope: AttemptScope, value: str) -> None:
    usage = hit(scope=scope.value, value=value)
    if usage.degraded:
        # Redis is away, and each process counts for itself: too lax for passwords.
        limit, window = parse_rate(settings.RATE_LIMITS[scope.value])
        pause = services.take_attempt(
            scope=scope,
            key=value,
            limit=limit,
            window=timedelta(seconds=window),
            now=timezone.now(),
        )
        wait = None if pause is None else ceil(pause.total_seconds())
    else:
        wait = None if usage.allowed else usage.reset_in
    if wait is not None:
        if request is not None:  # the answer's headers name the limit that was met
            request.rate_usage = usage  # type: ignore[attr-defined]  # read by the wire
        raise Throttled(wait=wait)

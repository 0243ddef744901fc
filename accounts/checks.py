"""Refuse to start with a route that nobody decided about."""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register

from accounts.api.routes import api_routes
from accounts.rules.policy import POLICY

# The API's description and its pages tell nothing that the repository does not.
_PUBLIC = ("drf_spectacular.",)


@register(Tags.security)
def every_route_has_a_policy(
    *, app_configs: Sequence[Any] | None, **kwargs: Any
) -> list[CheckMessage]:
    """Find routes without an entry in the policy, and routes that go round it."""
    found: list[CheckMessage] = []
    for route in api_routes():
        if route.view.__module__.startswith(_PUBLIC):
            continue
        if not route.is_ruled:
            found.append(
                Error(
                    f"{route} is not guarded by RolePolicy.",
                    hint="Leave out permission_classes; the policy decides.",
                    obj=route.view,
                    id="accounts.E002",
                )
            )
        elif route.key not in POLICY:
            found.append(
                Error(
                    f"{route} has no entry {route.key!r} in accounts.rules.policy.",
                    hint="Say there which roles may do it.",
                    obj=route.view,
                    id="accounts.E001",
                )
            )
    return found

"""Hold each request against the table in `accounts.rules.policy`."""

from typing import TYPE_CHECKING

from django.core.exceptions import ImproperlyConfigured
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts.rules.policy import POLICY
from core.api.actors import actor_of

if TYPE_CHECKING:  # the views read their default permissions while they are imported
    from rest_framework.views import APIView


def policy_key(view: "APIView | type[APIView]", action: str | None) -> str:
    """Return the entry that rules a view: its own `policy`, or resource.action."""
    own = getattr(view, "policy", None)
    return str(own) if own else f"{getattr(view, 'resource', '?')}.{action}"


class RolePolicy(BasePermission):
    """Let those through whose role the table names; a visitor is asked to sign in."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        action = getattr(view, "action", "")
        if action is None or request.method == "OPTIONS":
            raise MethodNotAllowed(str(request.method))
        key = policy_key(view, action)
        if key not in POLICY:
            # The system check `accounts.E001` finds it before anybody calls.
            raise ImproperlyConfigured(f"accounts.rules.policy lacks {key!r}.")
        return actor_of(request).role in POLICY[key]

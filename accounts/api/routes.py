"""Every route of the API with the policy that rules it, read from the URL conf."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.views import APIView

from accounts.api.permissions import RolePolicy, policy_key

_METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One method of one path. `is_ruled` tells whether RolePolicy guards it."""

    path: str
    method: str
    key: str
    view: type[APIView]
    is_ruled: bool

    def __str__(self) -> str:
        return f"{self.method.upper()} {self.path}"


def api_routes() -> Iterator[Route]:
    """Yield every method of every DRF view that the URL conf leads to."""
    for path, pattern in _leaves(get_resolver().url_patterns):
        view = getattr(pattern.callback, "cls", None)
        if not isinstance(view, type) or not issubclass(view, APIView):
            continue
        initial = getattr(pattern.callback, "initkwargs", {})
        guards = initial.get("permission_classes", view.permission_classes)
        actions: dict[str, str | None] = getattr(pattern.callback, "actions", None) or {
            method: None for method in _METHODS if hasattr(view, method)
        }
        for method, action in actions.items():
            if method in _METHODS:
                yield Route(
                    path=path,
                    method=method,
                    key=policy_key(view, action),
                    view=view,
                    is_ruled=RolePolicy in guards,
                )


def _leaves(
    patterns: Iterable[URLPattern | URLResolver], prefix: str = ""
) -> Iterator[tuple[str, URLPattern]]:
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _leaves(pattern.url_patterns, path)
        else:
            yield path, pattern

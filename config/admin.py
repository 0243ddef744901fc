"""The admin site: who has come in, and what they find on the first page."""

from collections.abc import Callable
from functools import update_wrapper
from typing import Any, cast

from django.contrib.auth.views import PasswordChangeView
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, path, reverse
from unfold.sites import UnfoldAdminSite

from accounts.forms import OwnPasswordForm
from accounts.selectors import actor_of_user


class FieldbookSite(UnfoldAdminSite):
    """The admin site of the house."""

    index_title = "Today"

    def admin_view(
        self,
        view: Callable[..., HttpResponse],
        cacheable: bool = False,  # noqa: FBT001, FBT002  # Django's signature
    ) -> Callable[..., HttpResponse]:
        """Let each view know who acts, as `request.actor` (see core.admin.base)."""

        def as_actor(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            request.actor = actor_of_user(request.user)  # type: ignore[attr-defined, arg-type]  # signed in, says admin_view
            return view(request, *args, **kwargs)

        wrapped: Callable[..., HttpResponse] = super().admin_view(
            update_wrapper(as_actor, view), cacheable
        )
        return wrapped

    def get_urls(self) -> list[URLPattern | URLResolver]:
        from integrations.admin.overview import (  # noqa: PLC0415  # needs models
            overview,
            replay,
        )

        return [
            path("integrations/", self.admin_view(overview), name="integrations"),
            path(
                "integrations/<uuid:destination>/replay/",
                self.admin_view(replay),
                name="integrations_replay",
            ),
            *super().get_urls(),
        ]

    def password_change(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Let people change their password the way the API does."""
        view = PasswordChangeView.as_view(
            form_class=OwnPasswordForm,
            success_url=reverse("admin:password_change_done", current_app=self.name),
            extra_context={**self.each_context(request), **(extra_context or {})},
        )
        return cast(HttpResponse, view(request))

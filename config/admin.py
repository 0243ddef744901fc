"""The admin site: who has come in, and what they find on the first page."""

from collections.abc import Callable
from functools import update_wrapper
from typing import Any

from django.http import HttpRequest, HttpResponse
from unfold.sites import UnfoldAdminSite

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

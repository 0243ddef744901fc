"""A thing's page: its facts, and buttons that each open a small form.

An app lists its `Action`s; `PageAdmin` gives them addresses below the thing's own
page, shows the form, and tells what the service answered. Models are never written
here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseNotAllowed,
    HttpResponseRedirect,
)
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from core.admin.base import ModelAdmin, actor_of
from core.admin.forms import ActionForm, sentence
from core.admin.roster import listed
from core.db import retry_contention
from core.errors import DomainError, NotFound, VersionConflict


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """Something one can do with a thing; `is_open` says whether now is the time."""

    slug: str
    label: str
    icon: str
    form: type[ActionForm]
    done: str
    is_open: Callable[[Any], bool] | None = None
    hint: str = ""
    style: str = "plain"  # or primary, or danger
    submit: str = ""  # what its button says, where that is not the label
    leaves_nothing: bool = False  # the thing is gone when it is done

    def is_for(self, thing: Any) -> bool:
        return self.is_open is None or self.is_open(thing)


class PageAdmin(ModelAdmin):
    """A model whose things have a page each, and are changed by its buttons."""

    page_template = "admin/thing.html"
    page_actions: tuple[Action, ...] = ()
    add_action: Action | None = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.add_action is not None and super().has_add_permission(request)

    def get_urls(self) -> list[URLPattern]:
        urls: list[URLPattern] = super().get_urls()
        wrapped = self.admin_site.admin_view(self.action_view)
        name = f"{self.opts.app_label}_{self.opts.model_name}_action"
        return [path("<str:pk>/do/<slug:slug>/", wrapped, name=name), *urls]

    # What an app says of its things.

    def facts(self, request: HttpRequest, thing: Any) -> dict[str, Any]:
        """Return what the page shows."""
        return {}

    def summary(self, thing: Any) -> list[tuple[str, Any]]:
        """Return what one should have in view while deciding."""
        return []

    def links(self, request: HttpRequest, thing: Any) -> list[dict[str, Any]]:
        """Return buttons that lead to pages elsewhere."""
        return []

    # The views.

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show the thing: its facts, its buttons, and what has become of it."""
        if request.method != "GET":
            return HttpResponseNotAllowed(["GET"])
        thing = self.find(request, object_id)
        context = {
            **self.admin_site.each_context(request),
            **self.facts(request, thing),
            "title": str(thing),
            "opts": self.opts,
            "original": thing,  # the theme's trail leads back to the list
            "thing": thing,
            "buttons": self._buttons(request, thing),
        }
        return TemplateResponse(request, self.page_template, context)

    def add_view(
        self,
        request: HttpRequest,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Ask for what a new thing needs, and let its service make it."""
        if self.add_action is None or not self.has_add_permission(request):
            raise PermissionDenied
        back = self.url("changelist")
        return self.ask(request, self.add_action, thing=None, back=back)

    def action_view(self, request: HttpRequest, pk: Any, slug: str) -> HttpResponse:
        """Ask what the button needs, and do it."""
        thing = self.find(request, pk)
        action = next((one for one in self.page_actions if one.slug == slug), None)
        if action is None:
            raise Http404
        if not self.has_change_permission(request, thing):
            raise PermissionDenied
        if not action.is_for(thing):
            messages.error(request, f"{action.label} is not possible now.")
            return self._page_of(thing)
        back = self.url("change", thing.pk)
        summary = self.summary(thing)
        return self.ask(request, action, thing=thing, back=back, summary=summary)

    def find(self, request: HttpRequest, pk: Any) -> Any:
        """Return the thing as the page shows it; what one may not see is not there."""
        try:
            thing = self.get_queryset(request).filter(pk=pk).first()
        except (ValidationError, ValueError):  # not even an id
            thing = None
        if thing is None:
            raise Http404
        return thing

    def _buttons(self, request: HttpRequest, thing: Any) -> list[dict[str, Any]]:
        """Return what this user may do with it now."""
        if not self.has_change_permission(request, thing):
            return []
        own = [
            {"action": action, "url": self.url("action", thing.pk, action.slug)}
            for action in self.page_actions
            if action.is_for(thing)
        ]
        return [*self.links(request, thing), *own]

    def ask(
        self,
        request: HttpRequest,
        action: Action,
        *,
        thing: Any,
        back: str,
        summary: Sequence[tuple[str, Any]] = (),
    ) -> HttpResponse:
        """Show the form of an action, or do what it asks for."""
        form = action.form(
            request.POST if request.method == "POST" else None,
            thing=thing,
            actor=actor_of(request),
            now=timezone.now(),
            query=request.GET.dict(),
        )
        if request.method == "POST" and form.is_valid():
            answer = self._run(request, action, form)
            if answer is not None:
                return answer
        context: dict[str, Any] = {
            **self.admin_site.each_context(request),
            **form.more(),
            "title": f"{action.label}: {thing}" if thing else action.label,
            "opts": self.opts,
            "original": thing if isinstance(thing, self.model) else None,
            "action": action,
            "form": form,
            "thing": thing,
            "summary": summary,
            "back": back,
        }
        return TemplateResponse(request, "admin/action/page.html", context)

    def _run(
        self, request: HttpRequest, action: Action, form: ActionForm
    ) -> HttpResponse | None:
        """Call the service; return where to go, or None where the form must be asked.

        What went wrong is said in the form, or above the page where it is shown anew.
        """
        try:
            made = retry_contention(form.run)
        except VersionConflict:
            messages.warning(
                request,
                "Nothing was changed: somebody else has changed this in the meantime. "
                "You now see it as it stands.",
            )
            return self._page_of(form.thing)
        except NotFound as error:
            raise Http404 from error
        except DomainError as refusal:
            form.add_error(None, sentence(refusal))
            form.alternatives = refusal.extra.get("alternatives", [])
            form.stranded = listed(refusal)
            return None
        shown_once = form.shown_once(made)
        if shown_once is not None:
            return self._show_once(request, action, made, shown_once)
        messages.success(request, action.done)
        if action.leaves_nothing:
            return HttpResponseRedirect(self.url("changelist"))
        return self._page_of(made if isinstance(made, self.model) else form.thing)

    def _show_once(
        self, request: HttpRequest, action: Action, thing: Any, secret: str
    ) -> HttpResponse:
        """Show a secret in the answer itself: it is in no session, cookie or log."""
        context: dict[str, Any] = {
            **self.admin_site.each_context(request),
            "title": action.label,
            "opts": self.opts,
            "original": thing,
            "action": action,
            "secret": secret,
            "back": self.url("change", thing.pk),
        }
        return TemplateResponse(request, "admin/action/shown_once.html", context)

    def _page_of(self, thing: Any) -> HttpResponseRedirect:
        return HttpResponseRedirect(self.url("change", thing.pk))

    def url(self, name: str, *args: Any) -> str:
        """Return the address of one of the model's pages."""
        route = f"admin:{self.opts.app_label}_{self.opts.model_name}_{name}"
        return reverse(route, args=args)

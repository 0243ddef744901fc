"""Forms that change the roster: what they say of booked visits in the way (R13).

The first answer is a sentence with the visits; with a box ticked, the same form is
stored and the technicians are taken off these visits. No script is needed for that.
"""

from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from core.admin.base import ModelAdmin, actor_of
from core.admin.forms import ActionForm, sentence
from core.db import retry_contention
from core.errors import DomainError
from core.roster import OnConflict, Stranded

_BOX = "unassign"


class RosterForm(ActionForm):
    """A form behind a button whose service may strand visits."""

    @property
    def on_conflict(self) -> OnConflict:
        return _chosen(self.data)

    def shared(self) -> dict[str, Any]:
        return super().shared() | {"on_conflict": self.on_conflict}


class WatchedAdmin(ModelAdmin):
    """A model whose forms of the theme are saved by services that may refuse.

    A subclass calls the service in `save_model` or `save_formset`. What it refuses
    is said in the form, with all that was typed.
    """

    change_form_before_template = "admin/action/stranded.html"

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        def view(context: dict[str, Any] | None) -> HttpResponse:
            answer: HttpResponse = super(WatchedAdmin, self).changeform_view(
                request, object_id, form_url, context
            )
            return answer

        if request.method != "POST":
            return view(extra_context)
        try:
            return retry_contention(lambda: view(extra_context))
        except DomainError as refusal:
            request.refusal = refusal  # type: ignore[attr-defined]  # for get_form
            return view({**(extra_context or {}), "stranded": listed(refusal)})

    def get_form(
        self,
        request: HttpRequest,
        obj: Any = None,
        change: bool = False,  # noqa: FBT001, FBT002  # Django's signature
        **kwargs: Any,
    ) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        refusal = getattr(request, "refusal", None)
        return form if refusal is None else _refusing(form, refusal)

    def common(self, request: HttpRequest) -> dict[str, Any]:
        """Return what every service takes."""
        return {
            "actor": actor_of(request),
            "now": timezone.now(),
            "on_conflict": _chosen(request.POST),
        }


def listed(refusal: DomainError) -> list[dict[str, str]]:
    """Return the visits in the way as one reads them, by the clock of their branch."""
    if not isinstance(refusal, Stranded):
        return []
    return [
        {
            "pk": one["id"],
            "reference": one["reference"],
            "when": f"{datetime.fromisoformat(one['starts_at']):%a %b %d, %H:%M}",
            "why": one["reason"].replace("_", " "),
        }
        for one in refusal.extra["conflicts"]
    ]


def _chosen(data: Any) -> OnConflict:
    return OnConflict.UNASSIGN if data.get(_BOX) == "on" else OnConflict.REJECT


def _refusing(form: type[Any], refusal: DomainError) -> type[Any]:
    """Return the form so that it is shown again, with what the service said."""

    def clean(self: Any) -> Any:
        form.clean(self)
        raise ValidationError(sentence(refusal))

    return type(form.__name__, (form,), {"clean": clean})

"""Holidays: of a branch, or of the whole company. Admins decide, others look."""

from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse

from core import services
from core.admin.actions import Action, PageAdmin
from core.admin.forms import ActionForm, Line
from core.admin.history import history_of
from core.admin.roster import RosterForm
from core.models import Holiday, Location

_INPUT = {"class": "fb-input"}
_YEARS = 2  # this one and the next


class HolidayForm(RosterForm):
    """Which day, and who is closed."""

    date = forms.DateField(
        widget=forms.DateInput(_INPUT | {"type": "date"}, format="%Y-%m-%d")
    )
    name = Line(max_length=100)
    location = forms.ModelChoiceField(
        Location.objects.order_by("name"),
        label="Branch",
        required=False,
        empty_label="All branches",
        widget=forms.Select(_INPUT),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in self.fields if self.thing is not None else ():
            self.fields[name].initial = getattr(self.thing, name)

    def run(self) -> Holiday:
        data = self.cleaned_data
        branch = data["location"]
        form = services.HolidayForm(
            date=data["date"],
            name=data["name"],
            location_id=branch.pk if branch else None,
        )
        if self.thing is None:
            return services.add_holiday(form=form, **self.shared())
        return services.change_holiday(
            holiday_id=self.thing.pk, form=form, **self.shared()
        )


class RemoveForm(ActionForm):
    """Open on that day after all."""

    def run(self) -> None:
        services.remove_holiday(holiday_id=self.thing.pk, **self.shared())


class PrefillForm(RosterForm):
    """Add the public holidays of the branches' states that are not listed yet."""

    year = forms.TypedChoiceField(coerce=int, widget=forms.Select(_INPUT))
    branches = forms.ModelMultipleChoiceField(
        Location.objects.filter(is_active=True).order_by("name"),
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["year"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101  # for the type checker
        field.choices = [(self.now.year + n, self.now.year + n) for n in range(_YEARS)]
        self.fields["branches"].initial = Location.objects.filter(is_active=True)

    def run(self) -> None:
        services.prefill_holidays(
            location_ids=[branch.pk for branch in self.cleaned_data["branches"]],
            years=[self.cleaned_data["year"]],
            **self.shared(),
        )


ADD = Action(
    slug="add",
    submit="Save",
    label="New holiday",
    icon="celebration",
    form=HolidayForm,
    done="The holiday is noted.",
    hint="Nobody is booked on that day. Visits that are booked stand in the way.",
)
EDIT = Action(
    slug="edit",
    submit="Save",
    label="Edit",
    icon="edit",
    form=HolidayForm,
    done="The holiday is saved.",
    style="primary",
)
REMOVE = Action(
    slug="remove",
    label="Remove",
    icon="delete",
    form=RemoveForm,
    done="The holiday is removed.",
    hint="Visits can be booked on that day again.",
    style="danger",
    leaves_nothing=True,
)
PREFILL = Action(
    slug="prefill",
    submit="Add them",
    label="Public holidays",
    icon="celebration",
    form=PrefillForm,
    done="The public holidays are listed.",
    hint="Those of each branch's state that lie ahead and are not listed yet. "
    "Remove the days on which you work.",
    leaves_nothing=True,
)


@admin.register(Holiday)
class HolidayAdmin(PageAdmin):
    """Days on which nobody is booked; without a branch, in the whole company."""

    list_display = ("date", "name", "where")
    list_select_related = ("location",)
    ordering = ("-date", "pk")
    search_fields = ("name",)
    add_action = ADD
    page_actions = (EDIT, REMOVE)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Holiday]:
        return super().get_queryset(request).select_related("location")

    def get_urls(self) -> list[URLPattern]:
        wrapped = self.admin_site.admin_view(self.prefill_view)
        own = path("prefill/", wrapped, name="core_holiday_prefill")
        return [own, *super().get_urls()]

    def list_links(self, request: HttpRequest) -> list[tuple[str, str]]:
        if not self.has_add_permission(request):
            return []
        return [("Add public holidays", reverse("admin:core_holiday_prefill"))]

    def prefill_view(self, request: HttpRequest) -> HttpResponse:
        """Ask for which year and branches, and add the days."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        return self.ask(request, PREFILL, thing=None, back=self.url("changelist"))

    def facts(self, request: HttpRequest, thing: Holiday) -> dict[str, Any]:
        sections = [("Holiday", [("Date", thing.date), ("Closed", self.where(thing))])]
        return {
            "sections": sections,
            "history": history_of("holiday", thing.pk, titles={}, zone=_zone(thing)),
        }

    def summary(self, thing: Holiday) -> list[tuple[str, Any]]:
        return [("Date", thing.date), ("Closed", self.where(thing))]

    @admin.display(description="Branch", ordering="location__name")
    def where(self, day: Holiday) -> str:
        return day.location.name if day.location else "All branches"


def _zone(day: Holiday) -> ZoneInfo:
    """Return the clock of its history; the company as a whole has none of its own."""
    return day.location.time_zone if day.location else ZoneInfo("UTC")

"""Branches, their hours and zones. Dispatchers look at them.

Booked visits rest on all of it: what the theme's forms have checked is stored by
services, which refuse what would strand somebody.
"""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString

from core import services
from core.admin.base import ReadOnlyInline, TabularInline, actor_of
from core.admin.display import link
from core.admin.roster import WatchedAdmin
from core.models import Holiday, Location, OpeningHours, Zone, ZoneZip
from core.models.company import Weekday
from core.services import HoursForm


class OpeningHoursInline(TabularInline):
    """When visits may begin, weekday by weekday."""

    model = OpeningHours
    hide_title = True
    max_num = len(Weekday)
    ordering = ("weekday",)


class HolidayInline(ReadOnlyInline):
    """Days on which this branch books nobody; each has a page of its own."""

    model = Holiday
    hide_title = True
    fields = readonly_fields = ("date", "holiday")
    ordering = ("date",)

    @admin.display(description="Holiday")
    def holiday(self, day: Holiday) -> SafeString:
        return link(reverse("admin:core_holiday_change", args=[day.pk]), day.name)


class ZoneInline(ReadOnlyInline):
    """Its zones; each has a page with its ZIPs."""

    model = Zone
    hide_title = True
    fields = readonly_fields = ("zone", "zips")
    ordering = ("name",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Zone]:
        rows: QuerySet[Zone] = super().get_queryset(request)
        return rows.annotate(zip_total=Count("zips"))

    @admin.display(description="Zone")
    def zone(self, zone: Zone) -> SafeString:
        return link(reverse("admin:core_zone_change", args=[zone.pk]), zone.name)

    @admin.display(description="ZIPs")
    def zips(self, zone: Zone) -> int:
        return zone.zip_total  # type: ignore[attr-defined, no-any-return]  # annotated


@admin.register(Location)
class LocationAdmin(WatchedAdmin):
    """Branches."""

    list_display = ("name", "code", "time_zone", "city", "is_active")
    ordering = ("name",)
    search_fields = ("name", "code", "city")
    inlines = (OpeningHoursInline, HolidayInline, ZoneInline)
    fieldsets = (
        (None, {"fields": (("name", "code"), ("time_zone", "phone"), "is_active")}),
        (
            "Address",
            {
                "fields": (
                    "line1",
                    ("city", "region", "postal_code"),
                    ("latitude", "longitude"),
                )
            },
        ),
    )

    def save_model(
        self,
        request: HttpRequest,
        obj: Location,
        form: Any,
        change: bool,  # noqa: FBT001  # Django's signature
    ) -> None:
        services.save_branch(branch=obj, **self.common(request))

    def save_formset(
        self,
        request: HttpRequest,
        form: Any,
        formset: Any,
        change: bool,  # noqa: FBT001  # Django's signature
    ) -> None:
        """Store the opening hours as a whole; the other rows are to look at."""
        formset.save(commit=False)  # notes for the log what has changed
        if formset.model is not OpeningHours or not formset.has_changed():
            return
        given = [row.cleaned_data for row in formset.forms if row.cleaned_data]
        services.set_opening_hours(
            location_id=form.instance.pk,
            hours=[
                HoursForm(
                    weekday=row["weekday"], opens=row["opens"], closes=row["closes"]
                )
                for row in given
                if not row.get("DELETE")
            ],
            **self.common(request),
        )


class ZoneForm(forms.ModelForm):
    """A zone with its ZIPs as one text: there may be a hundred."""

    zip_codes = forms.CharField(
        label="ZIPs",
        widget=forms.Textarea({"class": "fb-input", "rows": 10}),
        help_text="Separated by spaces or new lines. A ZIP belongs to one zone only.",
        required=False,
    )

    class Meta:
        model = Zone
        fields = ("location", "name")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["zip_codes"] = _zips_of(self.instance)

    def clean_zip_codes(self) -> set[str]:
        codes = set(self.cleaned_data["zip_codes"].replace(",", " ").split())
        wrong = sorted(code for code in codes if not _is_zip(code))
        if wrong:
            raise forms.ValidationError(f"Not a ZIP: {', '.join(wrong)}.")
        others = ZoneZip.objects.filter(postal_code__in=codes).exclude(
            zone=self.instance.pk
        )
        taken = sorted(others.values_list("postal_code", flat=True))
        if taken:
            raise forms.ValidationError(f"In another zone: {', '.join(taken)}.")
        return codes


@admin.register(Zone)
class ZoneAdmin(WatchedAdmin):
    """Parts of a branch's area."""

    form = ZoneForm
    list_display = ("name", "location", "zip_count")
    list_select_related = ("location",)
    ordering = ("location__name", "name")
    search_fields = ("name", "zips__postal_code")
    fields = ("location", "name", "zip_codes")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Zone]:
        visible = Location.objects.visible_to(actor_of(request))
        zones = Zone.objects.filter(location__in=visible)
        return zones.annotate(zip_total=Count("zips", distinct=True))

    def save_model(
        self,
        request: HttpRequest,
        obj: Zone,
        form: Any,
        change: bool,  # noqa: FBT001  # Django's signature
    ) -> None:
        codes = form.cleaned_data["zip_codes"]
        services.save_zone(zone=obj, postal_codes=codes, **self.common(request))

    @admin.display(description="ZIPs")
    def zip_codes(self, zone: Zone) -> str:
        """Show them to those who may only look."""
        return _zips_of(zone)

    @admin.display(description="ZIPs", ordering="zip_total")
    def zip_count(self, zone: Zone) -> int:
        return zone.zip_total  # type: ignore[attr-defined, no-any-return]  # annotated


def _zips_of(zone: Zone) -> str:
    codes = zone.zips.order_by("postal_code").values_list("postal_code", flat=True)
    return " ".join(codes)


def _is_zip(code: str) -> bool:
    return code.isascii() and code.isdigit() and len(code) == 5  # noqa: PLR2004  # US

"""Caps, and customers' words about technicians: services write, pages ask."""

from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from appointments.admin import limit_forms as forms
from appointments.models import Cap, PreferenceKind, TechnicianPreference
from core.admin.actions import Action, PageAdmin
from core.admin.base import AdminsWrite, actor_of
from core.admin.display import Tone, badge
from core.admin.filters import BranchFilter
from core.admin.history import history_of
from core.models.company import Weekday
from technicians.models import Technician

_UTC = ZoneInfo("UTC")


@admin.register(Cap)
class CapAdmin(AdminsWrite, PageAdmin):
    """At most so many visits a day."""

    list_display = ("branch", "of_service", "in_zone", "on", "most")
    list_filter = (BranchFilter,)
    list_select_related = ("location", "service", "zone")
    ordering = ("location__name", "weekday", "pk")
    add_action = Action(
        slug="add",
        submit="Save",
        label="New cap",
        icon="add",
        form=forms.NewCapForm,
        done="The cap holds from now on.",
        hint="Visits that are booked stay, and count.",
    )
    page_actions = (
        Action(
            slug="edit",
            submit="Save",
            label="Change",
            icon="edit",
            form=forms.CapForm,
            done="The cap is changed.",
            style="primary",
        ),
        Action(
            slug="delete",
            label="Delete",
            icon="delete",
            form=forms.DeleteCapForm,
            done="The cap is gone.",
            style="danger",
            leaves_nothing=True,
        ),
    )

    def facts(self, request: HttpRequest, thing: Cap) -> dict[str, Any]:
        zone = thing.location.time_zone
        return {
            "sections": [("Cap", self.summary(thing))],
            "history": history_of("cap", thing.pk, titles={}, zone=zone),
        }

    def summary(self, thing: Cap) -> list[tuple[str, Any]]:
        return [
            ("Branch", self.branch(thing)),
            ("Service", self.of_service(thing)),
            ("Zone", self.in_zone(thing)),
            ("Day", self.on(thing)),
            ("Visits a day, at most", thing.most),
        ]

    @admin.display(description="Branch", ordering="location__name")
    def branch(self, cap: Cap) -> str:
        return cap.location.name

    @admin.display(description="Service")
    def of_service(self, cap: Cap) -> str:
        return cap.service.name if cap.service else "All"

    @admin.display(description="Zone")
    def in_zone(self, cap: Cap) -> str:
        return cap.zone.name if cap.zone else "All"

    @admin.display(description="Day", ordering="weekday")
    def on(self, cap: Cap) -> str:
        return "All" if cap.weekday is None else Weekday(cap.weekday).label


@admin.register(TechnicianPreference)
class TechnicianPreferenceAdmin(PageAdmin):
    """Whom customers prefer, and whom they do not want."""

    list_display = ("customer_name", "technician_name", "what", "reason")
    list_select_related = ("customer", "technician")
    ordering = ("customer__name", "pk")
    search_fields = ("customer__name", "technician__name")
    add_action = Action(
        slug="add",
        submit="Save",
        label="Preference",
        icon="favorite",
        form=forms.PreferenceForm,
        done="It counts from the next booking on.",
        hint="One word per technician: the latest. Visits that are booked stay.",
    )
    page_actions = (
        Action(
            slug="forget",
            label="Forget",
            icon="delete",
            form=forms.DeletePreferenceForm,
            done="It is forgotten.",
            style="danger",
            leaves_nothing=True,
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[TechnicianPreference]:
        crew = Technician.objects.visible_to(actor_of(request))
        rows: QuerySet[TechnicianPreference] = super().get_queryset(request)
        return rows.filter(technician__in=crew)

    def facts(
        self, request: HttpRequest, thing: TechnicianPreference
    ) -> dict[str, Any]:
        return {
            "badges": self.what(thing),
            "sections": [("Preference", self.summary(thing))],
            "history": history_of("customer", thing.customer_id, titles={}, zone=_UTC),
        }

    def summary(self, thing: TechnicianPreference) -> list[tuple[str, Any]]:
        return [
            ("Customer", thing.customer.name),
            ("Technician", thing.technician.name),
            ("Reason", thing.reason or "-"),
        ]

    @admin.display(description="Customer", ordering="customer__name")
    def customer_name(self, preference: TechnicianPreference) -> str:
        return preference.customer.name

    @admin.display(description="Technician", ordering="technician__name")
    def technician_name(self, preference: TechnicianPreference) -> str:
        return preference.technician.name

    @admin.display(description="Wish", ordering="kind")
    def what(self, preference: TechnicianPreference) -> SafeString:
        is_barred = preference.kind == PreferenceKind.BARRED
        tone = Tone.ALERT if is_barred else Tone.ACTIVE
        return badge(PreferenceKind(preference.kind).label, tone)

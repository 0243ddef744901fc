"""Maintenance plans, and the visit of each of their periods."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from appointments.admin import looks, plans_looks
from appointments.admin.plans_actions import ADD, OCCURRENCE_ACTIONS, PLAN_ACTIONS
from appointments.models import MaintenancePlan, PlanOccurrence
from appointments.models.plans import (
    TOLERANCES,
    MaintenancePlanQuerySet,
    PlanOccurrenceQuerySet,
)
from appointments.rules.plans import PlanState
from appointments.selectors import plans
from core.admin.actions import PageAdmin
from core.admin.base import RadioFilter, actor_of
from core.admin.display import badge, link, moment_text
from core.admin.filters import BranchFilter

_MOST = 50  # periods on a page: a dozen years and more


class PlanStateFilter(RadioFilter):
    """Plans that run, unless one asks for others."""

    title = "state"
    parameter_name = "state"
    all_option = ["", "Active"]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("paused", "Paused"), ("ended", "Ended"), ("all", "All")]

    def queryset(
        self, request: HttpRequest, rows: MaintenancePlanQuerySet
    ) -> MaintenancePlanQuerySet:
        wanted = self.value() or PlanState.ACTIVE
        return rows if wanted == "all" else rows.filter(state=wanted)


class PlanAttentionFilter(RadioFilter):
    """What waits for a dispatcher: of plans, or of their visits."""

    title = "needs attention"
    parameter_name = "needs"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("attention", "Needs attention")]

    def queryset(self, request: HttpRequest, rows: Any) -> Any:
        return rows.needing_attention() if self.value() == "attention" else rows


@admin.register(MaintenancePlan)
class MaintenancePlanAdmin(PageAdmin):
    """Agreements that bring visits each year."""

    list_display = ("reference", "customer_name", "what", "when", "badges", "branch")
    list_filter = (PlanAttentionFilter, PlanStateFilter, BranchFilter)
    tabs = (
        ("Active", ""),
        ("Needs attention", "needs=attention"),
        ("Paused", "state=paused"),
        ("All", "state=all"),
    )
    ordering = ("-created_at", "-pk")
    search_fields = ("reference", "customer__name")
    search_help_text = "Reference or customer"
    add_action = ADD
    page_actions = PLAN_ACTIONS

    def get_queryset(self, request: HttpRequest) -> MaintenancePlanQuerySet:
        waiting = PlanOccurrence.objects.needing_attention()
        found = plans.plans_with_all(actor=actor_of(request))
        return found.prefetch_related(
            Prefetch("occurrences", queryset=waiting, to_attr="attention")
        )

    def list_links(self, request: HttpRequest) -> list[tuple[str, str]]:
        if not self.has_change_permission(request):
            return []
        return [("Agree with a customer", reverse("admin:leads_customer_changelist"))]

    def add_view(
        self,
        request: HttpRequest,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Ask for the terms; a plan begins with a customer's address."""
        if "property" in request.GET:
            return super().add_view(request, form_url, extra_context)
        messages.info(request, "Choose the customer, then one of the addresses.")
        return HttpResponseRedirect(reverse("admin:leads_customer_changelist"))

    def facts(self, request: HttpRequest, thing: MaintenancePlan) -> dict[str, Any]:
        zone = thing.location.time_zone
        found = plans.occurrences_of(plan_id=thing.pk, actor=actor_of(request))
        rows = found.order_by("-first_day")[:_MOST]
        return {
            "badges": self.badges(thing),
            "sections": [("Agreement", self._agreement(thing))],
            "text": thing.notes,
            "table": {
                "title": "Visits",
                "columns": ["Period", "State", "Visit", "Last tried"],
                "rows": [
                    (
                        link(plans_looks.url_of(one), one.period),
                        plans_looks.state_badge(one),
                        plans_looks.visit_link(one),
                        moment_text(one.tried_at, zone=zone),
                    )
                    for one in rows
                ],
            },
            "history": plans_looks.history(thing),
        }

    def summary(self, thing: MaintenancePlan) -> list[tuple[str, Any]]:
        return self._agreement(thing)

    def _agreement(self, plan: MaintenancePlan) -> list[tuple[str, Any]]:
        until = plan.valid_until
        return [
            ("Customer", plans_looks.customer_link(plan)),
            ("Address", looks.address_line(plan.property)),
            ("Service", plan.service.name),
            ("Each year", self.when(plan)),
            ("Preferred technician", plan.technician or "Whoever is best placed"),
            ("Where that is taken", dict(TOLERANCES)[plan.tolerance].capitalize()),
            ("Valid", f"{plan.valid_from} until {until or 'further notice'}"),
            ("Branch", plan.location.name),
        ]

    @admin.display(description="Customer")
    def customer_name(self, plan: MaintenancePlan) -> str:
        return plan.customer.name

    @admin.display(description="Service")
    def what(self, plan: MaintenancePlan) -> str:
        return plan.service.name

    @admin.display(description="Each year")
    def when(self, plan: MaintenancePlan) -> SafeString:
        seasons = sorted(plan.seasons.all(), key=lambda one: one.rule.first)
        return format_html_join(
            "; ", "{}", ((plans_looks.season_text(one),) for one in seasons)
        )

    @admin.display(description="State")
    def badges(self, plan: MaintenancePlan) -> SafeString:
        found = [
            badge(plan.state.capitalize(), plans_looks.STATES[PlanState(plan.state)])
        ]
        found += [plans_looks.state_badge(one) for one in plan.attention]  # type: ignore[attr-defined]  # prefetched
        return format_html_join(" ", "{}", ((one,) for one in found))

    @admin.display(description="Branch")
    def branch(self, plan: MaintenancePlan) -> str:
        return plan.location.name


@admin.register(PlanOccurrence)
class PlanOccurrenceAdmin(PageAdmin):
    """What became of each period; the buttons are for what needs a hand."""

    list_display = ("period", "customer_name", "what", "state_badge", "due", "branch")
    list_filter = (PlanAttentionFilter,)
    tabs = (("All", ""), ("Needs attention", "needs=attention"))
    ordering = ("-first_day", "pk")
    search_fields = ("plan__reference", "plan__customer__name")
    search_help_text = "Reference of the plan, or customer"
    page_actions = OCCURRENCE_ACTIONS

    def get_queryset(self, request: HttpRequest) -> PlanOccurrenceQuerySet:
        visible = MaintenancePlan.objects.visible_to(actor_of(request))
        return PlanOccurrence.objects.filter(plan__in=visible).select_related(
            "appointment",
            "plan__location",
            "plan__service",
            "plan__customer",
            "plan__property",
            "plan__technician",
        )

    def links(
        self, request: HttpRequest, thing: PlanOccurrence
    ) -> list[dict[str, Any]]:
        plan = {"label": "The plan", "icon": "event_repeat", "style": "plain"}
        url = reverse("admin:appointments_maintenanceplan_change", args=[thing.plan_id])
        return [{"action": plan, "url": url}]

    def facts(self, request: HttpRequest, thing: PlanOccurrence) -> dict[str, Any]:
        zone = thing.plan.location.time_zone
        facts = [
            *self.summary(thing),
            ("Visit", plans_looks.visit_link(thing)),
            ("Note", thing.note or "-"),
            ("Last tried", moment_text(thing.tried_at, zone=zone)),
            ("On offer, but beyond the plan", plans_looks.alternatives(thing)),
        ]
        return {
            "heading": f"{thing.plan.customer.name}: {thing.period}",
            "badges": plans_looks.state_badge(thing),
            "sections": [("Visit", facts)],
        }

    def summary(self, thing: PlanOccurrence) -> list[tuple[str, Any]]:
        plan = thing.plan
        return [
            ("Customer", plans_looks.customer_link(plan)),
            ("Address", looks.address_line(plan.property)),
            ("Service", plan.service.name),
            ("Due", self.due(thing)),
            ("At best", plans_looks.wish_text(thing.weekday, thing.starts)),
            ("Preferred technician", plan.technician or "Whoever is best placed"),
        ]

    @admin.display(description="Customer")
    def customer_name(self, occurrence: PlanOccurrence) -> str:
        return occurrence.plan.customer.name

    @admin.display(description="Service")
    def what(self, occurrence: PlanOccurrence) -> str:
        return occurrence.plan.service.name

    @admin.display(description="State")
    def state_badge(self, occurrence: PlanOccurrence) -> SafeString:
        return plans_looks.state_badge(occurrence)

    @admin.display(description="Due", ordering="first_day")
    def due(self, occurrence: PlanOccurrence) -> str:
        return f"{occurrence.first_day} to {occurrence.last_day}"

    @admin.display(description="Branch")
    def branch(self, occurrence: PlanOccurrence) -> str:
        return occurrence.plan.location.name

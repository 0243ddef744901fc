"""Maintenance plans, and the visit of each of their periods."""

from typing import Any

from django.contrib import admin
from django.db.models import Prefetch
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from appointments.admin import looks
from appointments.admin.plans_actions import ADD, OCCURRENCE_ACTIONS, PLAN_ACTIONS
from appointments.models import MaintenancePlan, PlanOccurrence
from appointments.models.plans import (
    FELL_THROUGH,
    TOLERANCES,
    MaintenancePlanQuerySet,
    PlanOccurrenceQuerySet,
)
from appointments.rules.plans import OccurrenceState, PlanState
from appointments.selectors import plans
from core.admin.actions import PageAdmin
from core.admin.base import RadioFilter, actor_of
from core.admin.display import Tone, badge, link, moment_text, window_text
from core.admin.filters import BranchFilter
from core.admin.history import Titles, history_of
from core.models.company import Weekday

_MOST = 50  # periods on a page: a dozen years and more

_STATES = {
    PlanState.ACTIVE: Tone.ACTIVE,
    PlanState.PAUSED: Tone.WAITING,
    PlanState.ENDED: Tone.DONE,
}
_OCCURRENCES = {
    OccurrenceState.DUE: Tone.PLAIN,
    OccurrenceState.BOOKED: Tone.CALM,
    OccurrenceState.CONFLICT: Tone.ALERT,
    OccurrenceState.SKIPPED: Tone.PLAIN,
    OccurrenceState.DONE: Tone.DONE,
}
_TITLES: Titles = {
    "plan.created": ("Agreed on", Tone.ACTIVE),
    "plan.updated": ("Changed", Tone.PLAIN),
    "plan.ended": ("Ended", Tone.DONE),
    "plan.occurrence_booked": ("Visit booked", Tone.CALM),
    "plan.occurrence_conflict": ("No time found", Tone.ALERT),
    "plan.occurrence_skipped": ("Visit skipped", Tone.WAITING),
    "plan.occurrence_due": ("To be booked again", Tone.PLAIN),
    "plan.occurrence_done": ("Visit done", Tone.DONE),
}


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
                        link(_url_of(one), one.period),
                        _state(one),
                        _visit(one),
                        moment_text(one.tried_at, zone=zone),
                    )
                    for one in rows
                ],
            },
            "history": history_of("plan", thing.pk, titles=_TITLES, zone=zone),
        }

    def summary(self, thing: MaintenancePlan) -> list[tuple[str, Any]]:
        return self._agreement(thing)

    def _agreement(self, plan: MaintenancePlan) -> list[tuple[str, Any]]:
        until = plan.valid_until
        return [
            ("Customer", _customer(plan)),
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
        return format_html_join("; ", "{}", ((_season_text(one),) for one in seasons))

    @admin.display(description="State")
    def badges(self, plan: MaintenancePlan) -> SafeString:
        found = [badge(plan.state.capitalize(), _STATES[PlanState(plan.state)])]
        found += [_state(one) for one in plan.attention]  # type: ignore[attr-defined]  # prefetched
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
            ("Visit", _visit(thing)),
            ("Note", thing.note or "-"),
            ("Last tried", moment_text(thing.tried_at, zone=zone)),
            ("On offer, but beyond the plan", ", ".join(thing.alternatives) or "-"),
        ]
        return {
            "heading": f"{thing.plan.customer.name}: {thing.period}",
            "badges": _state(thing),
            "sections": [("Visit", facts)],
        }

    def summary(self, thing: PlanOccurrence) -> list[tuple[str, Any]]:
        plan = thing.plan
        return [
            ("Customer", _customer(plan)),
            ("Address", looks.address_line(plan.property)),
            ("Service", plan.service.name),
            ("Due", self.due(thing)),
            ("At best", _wish_text(thing.weekday, thing.starts)),
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
        return _state(occurrence)

    @admin.display(description="Due", ordering="first_day")
    def due(self, occurrence: PlanOccurrence) -> str:
        return f"{occurrence.first_day} to {occurrence.last_day}"

    @admin.display(description="Branch")
    def branch(self, occurrence: PlanOccurrence) -> str:
        return occurrence.plan.location.name


def _url_of(occurrence: PlanOccurrence) -> str:
    return reverse("admin:appointments_planoccurrence_change", args=[occurrence.pk])


def _customer(plan: MaintenancePlan) -> SafeString:
    url = reverse("admin:leads_customer_change", args=[plan.customer_id])
    return link(url, plan.customer.name)


def _state(occurrence: PlanOccurrence) -> SafeString:
    """Return the state, and why it is so."""
    fell_through = occurrence.reason in FELL_THROUGH
    tone = (
        Tone.ALERT if fell_through else _OCCURRENCES[OccurrenceState(occurrence.state)]
    )
    text = occurrence.state.capitalize()
    if occurrence.reason:
        text = f"{text}: {looks.words(occurrence.reason).lower()}"
    return badge(text, tone)


def _visit(occurrence: PlanOccurrence) -> SafeString | str:
    visit = occurrence.appointment
    if visit is None:
        return "-"
    zone = occurrence.plan.location.time_zone
    when = window_text(visit.window_starts_at, visit.window_ends_at, zone=zone)
    url = reverse("admin:appointments_appointment_change", args=[visit.pk])
    return link(url, f"{visit.reference}, {when}")


def _season_text(season: Any) -> str:
    days = (
        f"{season.first_month:02}-{season.first_day:02} to "
        f"{season.last_month:02}-{season.last_day:02}"
    )
    return f"{season.key} ({days}, {_wish_text(season.weekday, season.starts)})"


def _wish_text(weekday: int | None, starts: Any) -> str:
    day = "any day" if weekday is None else str(Weekday(weekday).label)
    return f"{day}, {starts:%H:%M}"

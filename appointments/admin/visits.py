"""The list of visits."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString

from appointments.admin import looks
from appointments.admin.filters import (
    AttentionFilter,
    ServiceFilter,
    StatusFilter,
    TechnicianFilter,
    WhenFilter,
)
from appointments.models import Appointment
from appointments.models.visits import AppointmentQuerySet
from appointments.selectors.search import visits_matching
from appointments.selectors.visits import visits_with_people
from core.admin.base import ModelAdmin, actor_of
from core.admin.filters import BranchFilter


@admin.register(Appointment)
class AppointmentAdmin(ModelAdmin):
    """A window on visits; what changes them are the services behind its buttons."""

    list_display = (
        "reference",
        "arrival",
        "customer_name",
        "service_name",
        "crew",
        "status_badges",
        "branch",
    )
    list_filter = (
        WhenFilter,
        AttentionFilter,
        StatusFilter,
        BranchFilter,
        TechnicianFilter,
        ServiceFilter,
    )
    # Django asks for fields to show the box; the search itself is a selector.
    search_fields = ("reference",)
    search_help_text = "Reference, customer, phone, e-mail, street or ZIP"

    def get_queryset(self, request: HttpRequest) -> AppointmentQuerySet:
        return visits_with_people(actor=actor_of(request))

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        looks_back = request.GET.get("when") in {"past", "all"} or request.GET.get("q")
        return ("-starts_at", "-pk") if looks_back else ("starts_at", "pk")

    def get_search_results(
        self, request: HttpRequest, queryset: Any, search_term: str
    ) -> tuple[AppointmentQuerySet, bool]:
        if not search_term.strip():
            return queryset, False
        return visits_matching(queryset, term=search_term), False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # a visit begins with a lead or a customer

    @admin.display(description="Arrival", ordering="starts_at")
    def arrival(self, visit: Appointment) -> SafeString:
        return looks.arrival(visit)

    @admin.display(description="Customer")
    def customer_name(self, visit: Appointment) -> str:
        return visit.customer.name

    @admin.display(description="Service")
    def service_name(self, visit: Appointment) -> str:
        return visit.service.name

    @admin.display(description="Technician")
    def crew(self, visit: Appointment) -> SafeString | str:
        return looks.crew(visit)

    @admin.display(description="Status")
    def status_badges(self, visit: Appointment) -> SafeString:
        return looks.status_badges(visit, now=timezone.now())

    @admin.display(description="Branch")
    def branch(self, visit: Appointment) -> str:
        return visit.location.name

"""The list of visits."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.safestring import SafeString

from appointments.admin import booking, looks, swapping
from appointments.admin.actions import VISIT_ACTIONS
from appointments.admin.filters import (
    AttentionFilter,
    ServiceFilter,
    StatusFilter,
    TechnicianFilter,
    WhenFilter,
)
from appointments.admin.page import facts_of
from appointments.models import Appointment
from appointments.models.visits import AppointmentQuerySet
from appointments.selectors.search import visits_matching
from appointments.selectors.visits import visits_with_people
from core.admin.actions import PageAdmin
from core.admin.base import actor_of
from core.admin.display import window_text
from core.admin.filters import BranchFilter


@admin.register(Appointment)
class AppointmentAdmin(PageAdmin):
    """A window on visits; what changes them are the services behind its buttons."""

    page_template = "admin/visit.html"
    page_actions = VISIT_ACTIONS
    actions = ("swap_selected",)

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
    tabs = (
        ("Today and later", ""),
        ("Today", "when=today"),
        ("Tomorrow", "when=tomorrow"),
        ("This week", "when=week"),
        ("Unassigned", "needs=technician"),
        ("Late", "needs=late"),
        ("Requests", "needs=answer"),
        ("All", "when=all"),
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

    def facts(self, request: HttpRequest, thing: Appointment) -> dict[str, Any]:
        return facts_of(thing, now=timezone.now())

    def list_links(self, request: HttpRequest) -> list[tuple[str, str]]:
        if not self.has_change_permission(request):
            return []
        return [("Book for a customer", reverse("admin:leads_customer_changelist"))]

    def get_urls(self) -> list[URLPattern]:
        book = self.admin_site.admin_view(self.book_view)
        swap = self.admin_site.admin_view(self.swap_view)
        urls = super().get_urls()
        return [
            path("book/", book, name="appointments_appointment_book"),
            path("swap/", swap, name="appointments_appointment_swap"),
            *urls,
        ]

    def book_view(self, request: HttpRequest) -> HttpResponse:
        """Book a visit for the lead or the address that the page is about."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        target = booking.target_of(request, actor=actor_of(request))
        return self.ask(
            request,
            booking.BOOK,
            thing=target,
            back=target.back,
            summary=booking.summary_of(target),
        )

    @admin.action(description="Swap the two visits", permissions=["change"])
    def swap_selected(
        self, request: HttpRequest, visits: AppointmentQuerySet
    ) -> HttpResponse | None:
        """Lead to the page that swaps the two which are ticked."""
        ticked = list(visits.values_list("pk", flat=True)[:3])
        if len(ticked) != 2:  # noqa: PLR2004  # a pair
            messages.error(request, "Tick the two visits that shall be swapped.")
            return None
        first, second = ticked
        return HttpResponseRedirect(f"{self.url('swap')}?first={first}&second={second}")

    def swap_view(self, request: HttpRequest) -> HttpResponse:
        """Swap the two visits that the page is about."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        first, second = (
            self.find(request, request.GET.get(name, ""))
            for name in ("first", "second")
        )
        pair = swapping.Pair(first=first, second=second)
        return self.ask(
            request,
            swapping.SWAP,
            thing=pair,
            back=self.url("changelist"),
            summary=swapping.summary_of(pair),
        )

    def summary(self, thing: Appointment) -> list[tuple[str, Any]]:
        """Keep in view what one decides about."""
        zone = thing.location.time_zone
        promise = window_text(thing.window_starts_at, thing.window_ends_at, zone=zone)
        return [
            ("Customer", thing.customer.name),
            ("Service", thing.service.name),
            ("Address", looks.address_line(thing.property)),
            ("Promise", promise),
            ("Technician", looks.crew(thing)),
            ("Status", looks.status_badges(thing, now=timezone.now())),
        ]

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

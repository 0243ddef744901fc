"""How the list of visits is narrowed."""

from typing import Any

from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone

from appointments.models import Assignment, Service
from appointments.models.visits import STATUS_CHOICES, AppointmentQuerySet
from appointments.rules.states import Status
from appointments.selectors import today
from core.admin.base import DropdownFilter, RadioFilter, actor_of
from core.models import Location
from technicians.models import Technician

Choices = list[tuple[str, str]]


class WhenFilter(RadioFilter):
    """The day of the visit, by the calendar of its branch.

    What lies ahead is shown unless one asks for more; a search looks everywhere,
    since the caller may mean last year's visit.
    """

    title = "day"
    parameter_name = "when"
    all_option = ["", "Today and later"]

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        return [
            ("today", "Today"),
            ("tomorrow", "Tomorrow"),
            ("week", "This week"),
            ("past", "Before today"),
            ("all", "All"),
        ]

    def queryset(
        self, request: HttpRequest, visits: AppointmentQuerySet
    ) -> AppointmentQuerySet:
        wanted = self._condition(request)
        return visits if wanted is None else visits.filter(wanted)

    def _condition(self, request: HttpRequest) -> Q | None:
        searching = bool(request.GET.get("q"))
        near: dict[str, Any] = {
            "locations": Location.objects.visible_to(actor_of(request)),
            "now": timezone.now(),
        }
        match self.value():
            case "today":
                return today.on_local_days(**near)
            case "tomorrow":
                return today.on_local_days(**near, first=1)
            case "week":
                return today.in_local_week(**near)
            case "past":
                return today.before_local_day(**near)
            case chosen:
                everything = chosen == "all" or searching
                return None if everything else today.from_local_day(**near)


class AttentionFilter(RadioFilter):
    """What waits for a dispatcher."""

    title = "needs a hand"
    parameter_name = "needs"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        return [
            ("technician", "Unassigned"),
            ("late", "Late"),
            ("answer", "Requests"),
        ]

    def queryset(
        self, request: HttpRequest, visits: AppointmentQuerySet
    ) -> AppointmentQuerySet:
        match self.value():
            case "technician":
                return visits.filter(today.nobody_on_it())
            case "late":
                return visits.filter(today.is_late(now=timezone.now()))
            case "answer":
                return visits.filter(status=Status.REQUESTED)
            case _:
                return visits


class StatusFilter(DropdownFilter):
    """The status of the visit."""

    title = "status"
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        return [(value, label.capitalize()) for value, label in STATUS_CHOICES]

    def queryset(
        self, request: HttpRequest, visits: AppointmentQuerySet
    ) -> AppointmentQuerySet:
        return visits.filter(status=self.value()) if self.value() else visits


class TechnicianFilter(DropdownFilter):
    """Visits that this technician is on."""

    title = "technician"
    parameter_name = "technician"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        crew = Technician.objects.visible_to(actor_of(request)).active()
        return [(str(one.pk), one.name) for one in crew.order_by("name", "pk")]

    def queryset(
        self, request: HttpRequest, visits: AppointmentQuerySet
    ) -> AppointmentQuerySet:
        if self.value() not in dict(self.lookup_choices):
            return visits
        on_it = Assignment.objects.on_the_visit().filter(technician=self.value())
        return visits.filter(pk__in=on_it.values("appointment"))


class ServiceFilter(DropdownFilter):
    """Visits of one service."""

    title = "service"
    parameter_name = "service"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        services = Service.objects.order_by("name")
        return [(service.code, service.name) for service in services]

    def queryset(
        self, request: HttpRequest, visits: AppointmentQuerySet
    ) -> AppointmentQuerySet:
        return visits.filter(service__code=self.value()) if self.value() else visits

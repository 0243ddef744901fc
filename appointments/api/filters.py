"""How lists of visits are narrowed."""

from typing import Any

import django_filters as filters

from appointments.models import Appointment, Assignment
from appointments.models.visits import STATUS_CHOICES, AppointmentQuerySet
from appointments.selectors.search import visits_matching
from core.api.filters import MomentFilter


class AppointmentFilter(filters.FilterSet):
    """Narrow by branch, people, service, status and time."""

    status = filters.MultipleChoiceFilter(choices=STATUS_CHOICES)
    location = filters.UUIDFilter()
    customer = filters.UUIDFilter()
    technician = filters.UUIDFilter(method="on_the_visit")
    service = filters.CharFilter(field_name="service__code")
    starts_after = MomentFilter("starts_at", lookup_expr="gte")
    starts_before = MomentFilter("starts_at", lookup_expr="lt")
    updated_since = MomentFilter("updated_at", lookup_expr="gte")
    unassigned = filters.BooleanFilter(method="without_technician")
    search = filters.CharFilter(
        method="matching",
        help_text="Start of the reference; or name, phone, e-mail, street or ZIP.",
    )

    class Meta:
        model = Appointment
        fields: list[str] = []

    def on_the_visit(
        self, visits: AppointmentQuerySet, name: str, value: Any
    ) -> AppointmentQuerySet:
        crew = Assignment.objects.on_the_visit().filter(technician=value)
        return visits.filter(pk__in=crew.values("appointment"))

    def without_technician(
        self, visits: AppointmentQuerySet, name: str, value: Any
    ) -> AppointmentQuerySet:
        if value:
            return visits.unassigned()
        return visits.exclude(pk__in=visits.unassigned().values("pk"))

    def matching(
        self, visits: AppointmentQuerySet, name: str, value: str
    ) -> AppointmentQuerySet:
        return visits_matching(visits, term=value)

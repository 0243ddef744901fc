"""Routes of visits, services and availability."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from appointments.api.availability import AvailabilityView, ExplanationView
from appointments.api.caps import CapViewSet
from appointments.api.dashboard import DashboardView
from appointments.api.holds import HoldViewSet
from appointments.api.plans import PlanOccurrenceViewSet, PlanViewSet
from appointments.api.preferences import PreferenceViewSet
from appointments.api.schedule import ScheduleView
from appointments.api.swap import SwapView
from appointments.api.views import (
    AppointmentViewSet,
    LeadConversionView,
    ServiceViewSet,
)

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("appointments", AppointmentViewSet, basename="appointment")
router.register("maintenance-plans", PlanViewSet, basename="plan")
router.register("holds", HoldViewSet, basename="hold")
router.register("services", ServiceViewSet, basename="service")
router.register("caps", CapViewSet, basename="cap")

_OF_PLAN = "maintenance-plans/<uuid:pk>/occurrences"
_ONE_OF_PLAN = f"{_OF_PLAN}/<uuid:occurrence_id>"

urlpatterns = [
    path("availability", AvailabilityView.as_view(), name="availability"),
    path("availability/explain", ExplanationView.as_view(), name="explanation"),
    path("dashboard", DashboardView.as_view(), name="dashboard"),
    path(
        "leads/<uuid:pk>/convert",
        LeadConversionView.as_view({"post": "convert"}),
        name="lead-convert",
    ),
    path(
        "appointments/swap", SwapView.as_view({"post": "swap"}), name="appointment-swap"
    ),
    path(
        _OF_PLAN,
        PlanOccurrenceViewSet.as_view({"get": "list"}),
        name="plan-occurrences",
    ),
    *(
        path(
            f"{_ONE_OF_PLAN}/{step}",
            PlanOccurrenceViewSet.as_view({"post": step}),
            name=f"plan-occurrence-{step}",
        )
        for step in ("book", "skip", "retry")
    ),
    path(
        "customers/<uuid:pk>/technician-preferences",
        PreferenceViewSet.as_view({"get": "list", "put": "update"}),
        name="technician-preferences",
    ),
    path(
        "customers/<uuid:pk>/technician-preferences/<uuid:technician_id>",
        PreferenceViewSet.as_view({"delete": "destroy"}),
        name="technician-preference",
    ),
    path(
        "technicians/<uuid:pk>/schedule",
        ScheduleView.as_view(),
        name="technician-schedule",
    ),
    *router.urls,
]

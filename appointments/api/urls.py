"""Routes of visits, services and availability."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from appointments.api.availability import AvailabilityView, ExplanationView
from appointments.api.dashboard import DashboardView
from appointments.api.schedule import ScheduleView
from appointments.api.swap import SwapView
from appointments.api.views import (
    AppointmentViewSet,
    LeadConversionView,
    ServiceViewSet,
)

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("appointments", AppointmentViewSet, basename="appointment")
router.register("services", ServiceViewSet, basename="service")

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
        "technicians/<uuid:pk>/schedule",
        ScheduleView.as_view(),
        name="technician-schedule",
    ),
    *router.urls,
]

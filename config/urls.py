"""All routes of the house."""

from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import (
    SpectacularAPIView,
    SpectacularRedocView,
    SpectacularSwaggerView,
)
from rest_framework.routers import SimpleRouter

from core.api import error_views, probes
from core.api.holidays import HolidayViewSet
from core.api.locations import LocationViewSet

handler400 = error_views.bad_request
handler403 = error_views.forbidden
handler404 = error_views.not_found
handler500 = error_views.server_error

_branches = SimpleRouter(trailing_slash=False, use_regex_path=False)
_branches.register("locations", LocationViewSet, basename="location")
_branches.register("holidays", HolidayViewSet, basename="holiday")

api_v1 = [
    path("", include(_branches.urls)),
    path("", include("accounts.api.urls")),
    path("", include("leads.api.urls")),
    path("", include("technicians.api.urls")),
    path("", include("appointments.api.urls")),
    path("", include("notifications.api.urls")),
    path("", include("integrations.api.urls")),
]

urlpatterns = [
    path("", probes.landing, name="landing"),
    path("admin/", admin.site.urls),
    path("api/v1/", include(api_v1)),
    path("api/schema", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs", SpectacularSwaggerView.as_view(), name="docs"),
    path("api/redoc", SpectacularRedocView.as_view(), name="redoc"),
    path("problems/<slug:code>", error_views.problem_page, name="problem"),
    path("healthz", probes.healthz),
    path("readyz", probes.readyz),
    path("metrics", probes.metrics),
]

"""Routes of technicians, their skills and their time, below /api/v1."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from technicians.api.calendar_views import (
    ShiftExceptionViewSet,
    TimeOffViewSet,
    WeeklyShiftsViewSet,
)
from technicians.api.views import SkillViewSet, TechnicianViewSet

_router = SimpleRouter(trailing_slash=False, use_regex_path=False)
_router.register("technicians", TechnicianViewSet, basename="technician")
_router.register("skills", SkillViewSet, basename="skill")

urlpatterns = [
    path(
        "technicians/<uuid:pk>/shifts",
        WeeklyShiftsViewSet.as_view({"get": "retrieve", "put": "update"}),
        name="technician-shifts",
    ),
    path(
        "technicians/<uuid:pk>/exceptions",
        ShiftExceptionViewSet.as_view({"get": "list", "post": "create"}),
        name="technician-exceptions",
    ),
    path(
        "technicians/<uuid:pk>/exceptions/<uuid:exception_id>",
        ShiftExceptionViewSet.as_view({"delete": "destroy"}),
        name="technician-exception",
    ),
    path(
        "technicians/<uuid:pk>/time-off",
        TimeOffViewSet.as_view({"get": "list", "post": "create"}),
        name="technician-time-offs",
    ),
    path(
        "technicians/<uuid:pk>/time-off/<uuid:time_off_id>",
        TimeOffViewSet.as_view({"delete": "destroy"}),
        name="technician-time-off",
    ),
    *_router.urls,
]

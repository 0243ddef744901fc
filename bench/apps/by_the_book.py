"""Visits over HTTP by the book: model serializers in a model view set."""

from typing import Any

import django_filters
from django.urls import include, path
from rest_framework import serializers, viewsets
from rest_framework.pagination import CursorPagination
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter
from rest_framework.views import APIView

from appointments.models import Appointment, Assignment, Service
from core.models import Location
from leads.models import Customer, Property
from technicians.models import Technician


class _Service(serializers.ModelSerializer[Service]):
    class Meta:
        model = Service
        fields = ("code", "name")


class _Location(serializers.ModelSerializer[Location]):
    class Meta:
        model = Location
        fields = ("id", "name")


class _Customer(serializers.ModelSerializer[Customer]):
    class Meta:
        model = Customer
        fields = ("id", "name")


class _Property(serializers.ModelSerializer[Property]):
    class Meta:
        model = Property
        fields = (
            "id",
            "line1",
            "line2",
            "city",
            "region",
            "postal_code",
            "latitude",
            "longitude",
        )


class _Technician(serializers.ModelSerializer[Technician]):
    class Meta:
        model = Technician
        fields = ("id", "name")


class _Assignment(serializers.ModelSerializer[Assignment]):
    technician = _Technician()

    class Meta:
        model = Assignment
        fields = ("technician", "status", "is_lead")


class AppointmentSerializer(serializers.ModelSerializer[Appointment]):
    """A visit with what belongs to it."""

    service = _Service()
    location = _Location()
    customer = _Customer()
    property = _Property()
    assignments = _Assignment(many=True)
    status_display = serializers.CharField(source="get_status_display")

    class Meta:
        model = Appointment
        fields = (
            "id",
            "reference",
            "status",
            "status_display",
            "version",
            "service",
            "location",
            "customer",
            "property",
            "lead",
            "window_starts_at",
            "window_ends_at",
            "starts_at",
            "ends_at",
            "assignments",
            "sequence",
            "price_cents",
            "currency",
            "source",
            "notes",
            "cancellation_reason",
            "created_at",
            "updated_at",
        )


class AppointmentFilter(django_filters.FilterSet):  # type: ignore[misc]  # untyped
    """Narrow by branch and time."""

    starts_after = django_filters.IsoDateTimeFilter("starts_at", lookup_expr="gte")
    starts_before = django_filters.IsoDateTimeFilter("starts_at", lookup_expr="lt")

    class Meta:
        model = Appointment
        fields = ("location",)


class Pages(CursorPagination):
    """Pages of fifty, in the order of time."""

    ordering = ("starts_at", "id")
    page_size = 50


class AppointmentViewSet(viewsets.ModelViewSet[Appointment]):
    """Visits."""

    serializer_class = AppointmentSerializer
    permission_classes = [AllowAny]
    filterset_class = AppointmentFilter
    pagination_class = Pages

    def get_queryset(self) -> Any:
        return Appointment.objects.select_related(
            "service", "location", "customer", "property"
        ).prefetch_related("assignments__technician")


class Ping(APIView):
    """Say ok."""

    permission_classes = [AllowAny]

    def get(self, request: Request) -> Response:
        """Answer."""
        return Response({"status": "ok"})


router = SimpleRouter(trailing_slash=False)
router.register("appointments", AppointmentViewSet, basename="appointment")
urlpatterns = [
    path("api/v1/ping", Ping.as_view()),
    path("api/v1/", include(router.urls)),
]

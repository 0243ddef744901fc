"""A technician's days: shifts, absences and visits in one answer."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from appointments.models import Assignment
from appointments.models.visits import STATUS_CHOICES, STEP_CHOICES
from appointments.selectors import visits
from core.api.actors import actor_of
from core.api.serializers import DayField, StrictSerializer
from core.errors import NotFound
from core.walltime import day_bounds, local_date
from technicians.models import Technician, TimeOff
from technicians.rules.shifts import ShiftInterval
from technicians.selectors import shift_intervals, time_off_between

MOST_DAYS = 31


class ScheduleInput(StrictSerializer):
    """From which local day on, and for how many days."""

    field_from = DayField(required=False, label="from")
    days = serializers.IntegerField(required=False, min_value=1, max_value=MOST_DAYS)

    def get_fields(self) -> dict[str, Any]:
        fields: dict[str, Any] = super().get_fields()
        fields["from"] = fields.pop("field_from")  # a keyword of Python
        return fields


class _ShiftOutput(serializers.Serializer):
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    kind = serializers.CharField()
    location = serializers.UUIDField()


class _TimeOffOutput(serializers.Serializer):
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    reason = serializers.CharField(allow_blank=True)


class _VisitOutput(serializers.Serializer):
    id = serializers.UUIDField()
    reference = serializers.CharField()
    status = serializers.ChoiceField(choices=STATUS_CHOICES)
    step = serializers.ChoiceField(choices=STEP_CHOICES)
    service = serializers.CharField()
    customer = serializers.CharField()
    address = serializers.CharField()
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    window_starts_at = serializers.DateTimeField()
    window_ends_at = serializers.DateTimeField()


class ScheduleOutput(serializers.Serializer):
    """What a technician's days hold, by the wall clock of the home branch."""

    technician = serializers.UUIDField()
    time_zone = serializers.CharField()
    shifts = _ShiftOutput(many=True)
    time_off = _TimeOffOutput(many=True)
    visits = _VisitOutput(many=True)


class ScheduleView(APIView):
    """A technician's days."""

    policy = "technicians.schedule"

    @extend_schema(parameters=[ScheduleInput], responses=ScheduleOutput)
    def get(self, request: Request, pk: UUID) -> Response:
        """Show shifts, absences and visits of the days asked for."""
        query = ScheduleInput(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        visible = Technician.objects.visible_to(actor_of(request))
        technician = visible.select_related("location").filter(pk=pk).first()
        if technician is None:
            raise NotFound
        zone = technician.location.time_zone
        today = local_date(timezone.now(), zone=zone)
        first = query.validated_data.get("from", today)
        days = [
            first + timedelta(days=n)
            for n in range(query.validated_data.get("days", 7))
        ]
        span = {
            "starts_at": day_bounds(days[0], zone=zone)[0],
            "ends_at": day_bounds(days[-1], zone=zone)[1],
        }

        def local(moment: Any) -> str:
            return str(moment.astimezone(zone).isoformat())

        return Response(
            {
                "technician": technician.pk,
                "time_zone": zone.key,
                "shifts": [
                    _shift(row, local)
                    for row in shift_intervals(technician_ids=[pk], days=days)
                ],
                "time_off": [
                    _absence(row, local)
                    for row in time_off_between(technician_ids=[pk], **span)
                ],
                "visits": [
                    _visit(row, local)
                    for row in visits.visits_of_technician(technician_id=pk, **span)
                ],
            }
        )


def _shift(row: ShiftInterval, local: Any) -> dict[str, Any]:
    return {
        "starts_at": local(row.starts_at),
        "ends_at": local(row.ends_at),
        "kind": row.kind,
        "location": row.location_id,
    }


def _absence(row: TimeOff, local: Any) -> dict[str, Any]:
    return {
        "starts_at": local(row.starts_at),
        "ends_at": local(row.ends_at),
        "reason": row.reason,
    }


def _visit(row: Assignment, local: Any) -> dict[str, Any]:
    visit = row.visit
    return {
        "id": visit.pk,
        "reference": visit.reference,
        "status": visit.status,
        "step": row.status,
        "service": visit.service.name,
        "customer": visit.customer.name,
        "address": str(visit.property),
        "starts_at": local(row.work.start),
        "ends_at": local(row.work.end),
        "window_starts_at": local(visit.window_starts_at),
        "window_ends_at": local(visit.window_ends_at),
    }

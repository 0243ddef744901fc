"""Two visits exchange their technicians, in one call."""

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from appointments import services
from appointments.api.serializers import AppointmentOutput
from appointments.services import Exchange
from core.api.actors import actor_of
from core.api.idempotency import idempotent
from core.api.serializers import CleanCharField, StrictSerializer


class SwapInput(StrictSerializer):
    """Which two visits, and what they exchange.

    `technicians`: each visit keeps its time where the others can keep it. `plans`: each
    takes the other's time, too. Either way both promises stand. With the versions,
    nothing is swapped that the caller has not seen as it is.
    """

    first = serializers.UUIDField()
    second = serializers.UUIDField()
    exchange = serializers.ChoiceField(
        choices=[each.value for each in Exchange], required=False
    )
    first_version = serializers.IntegerField(required=False, min_value=1)
    second_version = serializers.IntegerField(required=False, min_value=1)
    reason = CleanCharField(required=False, max_length=500, allow_blank=True)


class SwapOutput(serializers.Serializer):
    """Both visits as they are now."""

    first = AppointmentOutput()
    second = AppointmentOutput()


class SwapView(viewsets.ViewSet):
    """Swapping of two visits."""

    resource = "appointments"

    @extend_schema(request=SwapInput, responses=SwapOutput)
    @idempotent()
    def swap(self, request: Request) -> Response:
        """Exchange the technicians of two visits: both, or nothing."""
        form = SwapInput(data=request.data)
        form.is_valid(raise_exception=True)
        given = form.validated_data
        first, second = services.swap(
            first_id=given["first"],
            second_id=given["second"],
            exchange=Exchange(given.get("exchange", Exchange.TECHNICIANS)),
            first_version=given.get("first_version"),
            second_version=given.get("second_version"),
            reason=given.get("reason", ""),
            actor=actor_of(request),
            now=timezone.now(),
        )
        return Response(SwapOutput({"first": first, "second": second}).data)

"""What one asks about availability, and how it is answered."""

from typing import Any

from rest_framework import serializers

from appointments.api.fields import MomentField
from core.api.fields import DayField, ZoneField
from core.api.serializers import StrictSerializer

MOST_DAYS = 31


class PlaceInput(StrictSerializer):
    """Which service, and where: the ZIP names the branch and the zone."""

    service = serializers.SlugField(max_length=40, help_text="Code of the service.")
    postal_code = serializers.CharField(max_length=10)
    location = serializers.UUIDField(
        required=False, help_text="Another branch than the ZIP's own. Staff only."
    )


class AvailabilityInput(PlaceInput):
    """From which local day on, and for how many days."""

    field_from = DayField(required=False, label="from")
    days = serializers.IntegerField(required=False, min_value=1, max_value=MOST_DAYS)
    technician = serializers.UUIDField(required=False, help_text="Staff only.")
    property = serializers.UUIDField(
        required=False,
        help_text="Measure the ways from this address, and heed whom its customer "
        "prefers. Staff only.",
    )
    appointment = serializers.UUIDField(
        required=False,
        help_text="A visit that is to be moved: it is not in its own way. Staff only.",
    )
    tz = ZoneField(required=False, help_text="Changes rendering only.")

    def get_fields(self) -> dict[str, Any]:
        fields: dict[str, Any] = super().get_fields()
        fields["from"] = fields.pop("field_from")  # a keyword of Python
        return fields


class ExplanationInput(PlaceInput):
    """Which start to explain."""

    starts_at = MomentField()


class SlotOutput(serializers.Serializer):
    """A promise that can be kept: book it by its `starts_at`."""

    date = serializers.DateField()
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    display = serializers.CharField()
    technicians = serializers.ListField(
        child=serializers.UUIDField(),
        required=False,
        help_text="Who could do it, the best placed first. Staff only.",
    )


class AvailabilityOutput(serializers.Serializer):
    """The slots that could be booked at `computed_at`."""

    computed_at = serializers.DateTimeField()
    degraded = serializers.BooleanField(
        help_text="True when a provider failed and an estimate was used."
    )
    service = serializers.SlugField()
    location = serializers.UUIDField()
    time_zone = serializers.CharField()
    booking_mode = serializers.CharField()
    slots = SlotOutput(many=True)


class TechnicianReasonOutput(serializers.Serializer):
    """One technician's answer; a null reason means: can do it."""

    technician = serializers.UUIDField()
    name = serializers.CharField()
    reason = serializers.CharField(allow_null=True)


class ExplanationOutput(serializers.Serializer):
    """Why a start is refused, as a whole and for each technician."""

    starts_at = serializers.DateTimeField()
    reason = serializers.CharField(allow_null=True)
    technicians = TechnicianReasonOutput(many=True)

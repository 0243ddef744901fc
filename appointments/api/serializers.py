"""Visits on the wire: what comes in, and what goes out."""

from typing import Any

from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from appointments.api.fields import (
    BranchTimeField,
    MomentField,
    OverrideField,
    arrival_text,
)
from appointments.models import Appointment, BookingMode, Service
from appointments.models.visits import STATUS_CHOICES, STEP_CHOICES
from appointments.rules.states import Status, Step
from core.api.serializers import CleanCharField, StrictSerializer
from core.models import Event

# --- In -----------------------------------------------------------------------


class BookingInput(StrictSerializer):
    """A wish for a visit at an offered start.

    Visitors send `lead` with its `booking_token`; staff and machines a `lead` or a
    `property`, and may choose branch and technician. Staff may `override` soft rules,
    with a `reason`. Whoever holds the slot sends the `hold`'s token.
    """

    service = serializers.SlugField(max_length=40, help_text="Code of the service.")
    starts_at = MomentField(help_text="The start of an offered slot.")
    lead = serializers.UUIDField(required=False)
    booking_token = serializers.CharField(required=False, max_length=200)
    hold = serializers.CharField(required=False, max_length=100)
    property = serializers.UUIDField(required=False)
    location = serializers.UUIDField(required=False)
    technician = serializers.UUIDField(required=False)
    notes = CleanCharField(required=False, max_length=4000, allow_blank=True)
    source = serializers.SlugField(  # type: ignore[assignment]  # a field, not ours
        required=False, max_length=40
    )
    override = OverrideField()
    reason = CleanCharField(required=False, max_length=500, allow_blank=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("lead" in attrs) == ("property" in attrs):
            raise serializers.ValidationError("Give either a lead or a property.")
        return attrs


class ConversionInput(StrictSerializer):
    """The visit that a lead becomes."""

    service = serializers.SlugField(max_length=40, help_text="Code of the service.")
    starts_at = MomentField(help_text="The start of an offered slot.")
    hold = serializers.CharField(required=False, max_length=100)
    location = serializers.UUIDField(required=False)
    technician = serializers.UUIDField(required=False)
    notes = CleanCharField(required=False, max_length=4000, allow_blank=True)
    override = OverrideField()
    reason = CleanCharField(required=False, max_length=500, allow_blank=True)


class RescheduleInput(StrictSerializer):
    """Another offered start for the same visit."""

    starts_at = MomentField()
    technician = serializers.UUIDField(required=False)
    override = OverrideField()
    reason = CleanCharField(required=False, max_length=500, allow_blank=True)


class AssignInput(StrictSerializer):
    """Who shall do it."""

    technician = serializers.UUIDField()
    override = OverrideField()
    reason = CleanCharField(required=False, max_length=500, allow_blank=True)


class ApprovalInput(StrictSerializer):
    """Who shall do it, if that matters."""

    technician = serializers.UUIDField(required=False)
    override = OverrideField()
    reason = CleanCharField(required=False, max_length=500, allow_blank=True)


class ReasonInput(StrictSerializer):
    """Why, if there is something to say."""

    reason = CleanCharField(required=False, max_length=500, allow_blank=True)


class CancelInput(StrictSerializer):
    """Why it is called off."""

    reason = CleanCharField(max_length=500)


# Cancelling has an address of its own; holds are not made by hand.
_STEPS_TO_TAKE = sorted(
    {*Status, Step.ACCEPTED, Step.DECLINED}
    - {Status.CANCELLED, Status.HELD, Status.REQUESTED}
)


class StatusInput(StrictSerializer):
    """The next step of a visit, or of one technician on it."""

    status = serializers.ChoiceField(choices=_STEPS_TO_TAKE)
    technician = serializers.UUIDField(required=False)
    reason = CleanCharField(required=False, max_length=500, allow_blank=True)

    def validate_status(self, value: str) -> Status | Step:
        return Status(value) if value in set(Status) else Step(value)


class NotesInput(StrictSerializer):
    """What technicians should know."""

    notes = CleanCharField(max_length=4000, allow_blank=True)


# --- Out ----------------------------------------------------------------------


class ServiceOutput(serializers.ModelSerializer[Service]):
    """A job type that can be booked. Lengths are minutes, the price is in cents."""

    class Meta:
        model = Service
        fields = (
            "id",
            "code",
            "name",
            "description",
            "duration_minutes",
            "booking_mode",
            "window_minutes",
            "notice_minutes",
            "horizon_days",
            "price_cents",
            "deposit_cents",
            "currency",
            "requires_approval",
            "is_emergency",
        )


class _ServiceName(serializers.Serializer):
    code = serializers.SlugField()
    name = serializers.CharField()


class _Named(serializers.Serializer):
    id = serializers.UUIDField()
    name = serializers.CharField()


class _Address(serializers.Serializer):
    id = serializers.UUIDField()
    line1 = serializers.CharField()
    line2 = serializers.CharField(allow_blank=True)
    city = serializers.CharField()
    region = serializers.CharField()
    postal_code = serializers.CharField()
    latitude = serializers.FloatField(allow_null=True)
    longitude = serializers.FloatField(allow_null=True)


class _Technician(serializers.Serializer):
    id = serializers.UUIDField(source="technician_id")
    name = serializers.CharField(source="technician.name")
    status = serializers.ChoiceField(choices=STEP_CHOICES)
    is_lead = serializers.BooleanField()


class PublicAppointmentOutput(serializers.ModelSerializer[Appointment]):
    """A visit as the visitor who booked it sees it."""

    status = serializers.ChoiceField(choices=STATUS_CHOICES)
    service = _ServiceName()
    location = _Named()
    window_starts_at = BranchTimeField()
    window_ends_at = BranchTimeField()
    time_zone = serializers.CharField(source="location.time_zone.key", read_only=True)
    display = serializers.SerializerMethodField()

    class Meta:
        model = Appointment
        fields: tuple[str, ...] = (
            "id",
            "reference",
            "status",
            "version",
            "service",
            "location",
            "window_starts_at",
            "window_ends_at",
            "time_zone",
            "display",
        )

    def get_display(self, visit: Appointment) -> str:
        return arrival_text(
            starts_at=visit.window_starts_at,
            ends_at=visit.window_ends_at,
            is_window=visit.service.booking_mode == BookingMode.WINDOW,
            zone=visit.location.time_zone,
        )


@extend_schema_serializer(component_name="Appointment")
class AppointmentOutput(PublicAppointmentOutput):
    """A visit: the promise (window), the plan (work), and who does it."""

    customer = _Named()
    property = _Address()
    lead = serializers.UUIDField(source="lead_id", allow_null=True)
    starts_at = BranchTimeField()
    ends_at = BranchTimeField()
    technicians = serializers.SerializerMethodField()

    class Meta:
        model = Appointment
        fields = (
            *PublicAppointmentOutput.Meta.fields,
            "customer",
            "property",
            "lead",
            "starts_at",
            "ends_at",
            "technicians",
            "sequence",
            "price_cents",
            "currency",
            "source",
            "notes",
            "cancellation_reason",
            "created_at",
            "updated_at",
        )

    @extend_schema_field(_Technician(many=True))
    def get_technicians(self, visit: Appointment) -> Any:
        # A page has them prefetched; a single visit asks for them here.
        crew = getattr(visit, "crew", None)
        if crew is None:
            crew = (
                visit.assignments.on_the_visit()
                .filter(part=0)
                .select_related("technician")
            )
        return _Technician(crew, many=True).data


class EventOutput(serializers.ModelSerializer[Event]):
    """One step in the history of a visit."""

    class Meta:
        model = Event
        fields = (
            "number",
            "name",
            "occurred_at",
            "actor_role",
            "actor_label",
            "reason",
            "data",
            "request_id",
        )

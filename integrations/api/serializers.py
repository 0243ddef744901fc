"""Subscribers and deliveries on the wire."""

from datetime import UTC, datetime
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.api.fields import MomentField
from core.api.serializers import CleanCharField, StrictSerializer
from core.models import DeliveryAttempt, OutboxMessage
from core.models.outbox import AttemptOutcome, OutboxStatus
from core.services.replaying import REPLAYABLE
from integrations import selectors
from integrations.models import WebhookEndpoint
from integrations.rules.targets import LONGEST

MOST_NAMES = 100
SUBJECT_HELP = "What people call it: a visit's reference, a person's name."

# --- In -----------------------------------------------------------------------


class EventNamesField(serializers.ListField):
    """Events to hear of; an empty list asks for all."""

    def __init__(self, **kwargs: Any) -> None:
        names = serializers.ChoiceField(choices=selectors.event_names())
        super().__init__(child=names, max_length=MOST_NAMES, **kwargs)

    def to_internal_value(self, data: Any) -> list[str]:
        return sorted(set(super().to_internal_value(data)))


class EndpointInput(StrictSerializer):
    """A URL to tell of events: of one branch, or of all."""

    url = CleanCharField(max_length=LONGEST, help_text="https, on port 443.")
    description = CleanCharField(required=False, max_length=200, allow_blank=True)
    event_names = EventNamesField(required=False)
    location = serializers.UUIDField(required=False, allow_null=True)


class EndpointChanges(StrictSerializer):
    """What may be changed; what is left out stays."""

    url = CleanCharField(required=False, max_length=LONGEST)
    description = CleanCharField(required=False, max_length=200, allow_blank=True)
    event_names = EventNamesField(required=False)
    is_active = serializers.BooleanField(required=False)


@extend_schema_field({"type": "string", "format": "date-time"})
class InstantField(MomentField):
    """An instant; without an offset it is read as UTC."""

    def to_internal_value(self, data: Any) -> datetime:
        moment = super().to_internal_value(data)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class ReplayInput(StrictSerializer):
    """Which deliveries to send again: those created in [from, to).

    Without a status those that are dead; the oldest 10,000 at most.
    """

    field_from = InstantField(label="from")
    to = InstantField()
    status = serializers.ChoiceField(
        choices=[(status.value, status.label) for status in REPLAYABLE], required=False
    )
    endpoint = serializers.UUIDField(required=False)
    kind = serializers.SlugField(required=False, max_length=20)

    def get_fields(self) -> dict[str, Any]:
        fields: dict[str, Any] = super().get_fields()
        fields["from"] = fields.pop("field_from")  # a keyword of Python
        return fields

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["to"] <= attrs["from"]:
            raise serializers.ValidationError({"to": "Must be after from."})
        return attrs


# --- Out ----------------------------------------------------------------------


class EndpointOutput(serializers.ModelSerializer):
    """A subscriber. Its secret was shown when it was made."""

    class Meta:
        model = WebhookEndpoint
        fields = (
            "id",
            "url",
            "description",
            "event_names",
            "location",
            "is_active",
            "disabled_because",
            "failing_since",
            "previous_secret_until",
            "version",
            "created_at",
            "updated_at",
        )


class EndpointWithSecretOutput(EndpointOutput):
    """A subscriber with its secret (Standard Webhooks), shown this once."""

    class Meta(EndpointOutput.Meta):
        fields = (*EndpointOutput.Meta.fields, "secret")  # type: ignore[assignment]  # one longer


class DeliveryOutput(serializers.ModelSerializer):
    """Something on its way out. Its `id` stays the same over all tries."""

    id = serializers.UUIDField(source="key")
    event_name = serializers.CharField(source="event.name", default=None)
    status = serializers.ChoiceField(choices=OutboxStatus.choices)
    last_outcome = serializers.CharField(
        help_text="Of the last try: ok, retryable, rejected, unknown; empty before it."
    )

    class Meta:
        model = OutboxMessage
        fields = (
            "id",
            "kind",
            "destination",
            "event_name",
            "aggregate_type",
            "aggregate_id",
            "status",
            "attempts",
            "max_attempts",
            "next_attempt_at",
            "last_outcome",
            "last_error",
            "request_id",
            "created_at",
            "finished_at",
        )


class AttemptOutput(serializers.ModelSerializer):
    """One try."""

    outcome = serializers.ChoiceField(choices=AttemptOutcome.choices)

    class Meta:
        model = DeliveryAttempt
        fields = (
            "number",
            "started_at",
            "duration_ms",
            "outcome",
            "http_status",
            "error",
            "response_excerpt",
            "retry_after_seconds",
        )


class DeliveryWithAttemptsOutput(DeliveryOutput):
    """A delivery with what is sent, and every try to send it."""

    payload = serializers.DictField()
    delivery_attempts = AttemptOutput(many=True)

    class Meta(DeliveryOutput.Meta):
        fields = (  # type: ignore[assignment]  # two longer
            *DeliveryOutput.Meta.fields,
            "payload",
            "delivery_attempts",
        )


class ReplayOutput(serializers.Serializer):
    """How many deliveries go out again."""

    count = serializers.IntegerField()

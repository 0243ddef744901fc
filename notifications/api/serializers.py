"""Messages on the wire."""

from rest_framework import serializers

from core.models import OutboxMessage
from core.models.outbox import OutboxStatus
from notifications.models import (
    KIND_CHOICES,
    MEANING_CHOICES,
    CarrierStatus,
    Channel,
    Notification,
    Reply,
    State,
)


class MessageDeliveryOutput(serializers.ModelSerializer):
    """How far a message has come on its way out."""

    id = serializers.UUIDField(source="key")
    status = serializers.ChoiceField(choices=OutboxStatus.choices)
    last_outcome = serializers.CharField(
        help_text="Of the last try: ok, retryable, rejected, unknown; empty before it."
    )

    class Meta:
        model = OutboxMessage
        fields = (
            "id",
            "status",
            "attempts",
            "next_attempt_at",
            "last_outcome",
            "last_error",
            "finished_at",
        )


class NotificationOutput(serializers.ModelSerializer):
    """A message to a customer, as it was written, and what became of it."""

    kind = serializers.ChoiceField(choices=KIND_CHOICES)
    channel = serializers.ChoiceField(choices=Channel.choices)
    state = serializers.ChoiceField(choices=State.choices)
    carrier_status = serializers.ChoiceField(
        choices=CarrierStatus.choices, allow_blank=True, help_text="Of texts."
    )
    delivery = MessageDeliveryOutput(allow_null=True)

    class Meta:
        model = Notification
        fields = (
            "id",
            "appointment",
            "customer",
            "event_name",
            "kind",
            "channel",
            "recipient",
            "subject",
            "body",
            "state",
            "suppressed_because",
            "sent_at",
            "provider_message_id",
            "carrier_status",
            "carrier_error",
            "created_at",
            "delivery",
        )


class ReplyOutput(serializers.ModelSerializer):
    """A text that somebody sent us, and whether somebody has seen to it."""

    meaning = serializers.ChoiceField(choices=MEANING_CHOICES)

    class Meta:
        model = Reply
        fields = (
            "id",
            "sender",
            "customer",
            "body",
            "meaning",
            "received_at",
            "handled_at",
            "handled_by",
        )

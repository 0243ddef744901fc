"""What waits to leave the house, and every try to send it."""

import uuid

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now


class OutboxStatus(models.TextChoices):
    """pending -> leased -> delivered, or back to pending, or dead."""

    PENDING = "pending"
    LEASED = "leased"
    DELIVERED = "delivered"
    SUPERSEDED = "superseded"  # a newer state of the same thing goes instead
    DEAD = "dead"  # given up; a person may replay it
    CANCELLED = "cancelled"  # no longer wanted
    PARKED = "parked"  # its destination is switched off


class OutboxMessage(models.Model):
    """Something to tell the outside, at least once, in order per `ordering_key`.

    `key` stays the same over all tries: receivers know a repetition by it. The row
    is the truth; a Celery message about it is only a hint.
    """

    key = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=20)
    destination = models.CharField(max_length=80)
    event = models.ForeignKey(
        "core.Event", models.SET_NULL, null=True, related_name="messages"
    )
    aggregate_type = models.CharField(max_length=30)
    aggregate_id = models.UUIDField()
    ordering_key = models.CharField(max_length=160)
    coalesce = models.BooleanField(default=False)
    payload = models.JSONField(default=dict)
    request_id = models.CharField(max_length=64, blank=True)

    status = models.CharField(
        max_length=12, choices=OutboxStatus, default=OutboxStatus.PENDING
    )
    attempts = models.PositiveSmallIntegerField(default=0)
    max_attempts = models.PositiveSmallIntegerField(default=13)
    next_attempt_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)
    lease_token = models.UUIDField(null=True)
    last_outcome = models.CharField(max_length=12, blank=True)
    last_error = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(auto_now_add=True, db_default=Now())
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "event",
                "kind",
                "destination",
                name="outbox_tells_each_destination_once",
                condition=Q(event__isnull=False),
            ),
            models.CheckConstraint(
                name="outbox_lease_has_token_and_end",
                condition=~Q(status=OutboxStatus.LEASED)
                | Q(lease_until__isnull=False, lease_token__isnull=False),
            ),
            models.CheckConstraint(
                name="outbox_status_is_known",
                condition=Q(status__in=OutboxStatus.values),
            ),
        ]
        indexes = [
            models.Index(
                "next_attempt_at",
                name="outbox_due",
                condition=Q(status__in=["pending", "leased"]),
            ),
            models.Index(
                "ordering_key",
                "id",
                name="outbox_order",
                condition=Q(status__in=["pending", "leased", "parked"]),
            ),
            models.Index("destination", F("id").desc(), name="outbox_by_destination"),
            models.Index("aggregate_id", name="outbox_by_aggregate"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} to {self.destination} ({self.status})"


class DeliveryAttempt(models.Model):
    """One try to deliver a message, and what came of it."""

    message = models.ForeignKey(
        OutboxMessage, models.CASCADE, related_name="delivery_attempts"
    )
    number = models.PositiveSmallIntegerField()
    started_at = models.DateTimeField()
    duration_ms = models.PositiveIntegerField()
    outcome = models.CharField(max_length=12)
    http_status = models.PositiveSmallIntegerField(null=True)
    error = models.CharField(max_length=500, blank=True)
    response_excerpt = models.CharField(max_length=2000, blank=True)
    retry_after_seconds = models.PositiveIntegerField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="attempt_numbers_start_at_one", condition=Q(number__gte=1)
            ),
        ]

    def __str__(self) -> str:
        return f"try {self.number}: {self.outcome}"

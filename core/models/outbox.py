"""What waits to leave the house, and every try to send it."""

import uuid

from django.db import models
from django.db.models import Count, F, OuterRef, Q, Subquery, Window
from django.db.models.functions import Coalesce, Now, RowNumber


class OutboxStatus(models.TextChoices):
    """pending -> leased -> delivered, or back to pending, or dead."""

    PENDING = "pending"
    LEASED = "leased"
    DELIVERED = "delivered"
    SUPERSEDED = "superseded"  # a newer state of the same thing goes instead
    DEAD = "dead"  # given up; a person may replay it
    CANCELLED = "cancelled"  # no longer wanted
    PARKED = "parked"  # its destination is switched off


# Still to be sent, or being sent.
OPEN = (OutboxStatus.PENDING, OutboxStatus.LEASED)


class AttemptOutcome(models.TextChoices):
    """What came of one try."""

    OK = "ok"
    RETRYABLE = "retryable"  # it failed, and may work later
    REJECTED = "rejected"  # it will never work as it is
    UNKNOWN = "unknown"  # it may have arrived: nobody heard the answer
    PARKED = "parked"  # the destination is switched off; not a try that counts
    POSTPONED = "postponed"  # held back by ourselves; not a try that counts
    UNWANTED = "unwanted"  # what it says is no longer true, so it was not sent


class OutboxQuerySet(models.QuerySet["OutboxMessage"]):
    """Messages on their way out."""

    def due(self) -> "OutboxQuerySet":
        """Return those that should be sent now, or whose sender has died."""
        return self.filter(
            Q(status=OutboxStatus.PENDING, next_attempt_at__lte=Now())
            | Q(status=OutboxStatus.LEASED, lease_until__lt=Now())
        )

    def in_turn(self) -> "OutboxQuerySet":
        """Leave out those that wait for an earlier one of their ordering key.

        Asked one by one, which the index of the order answers at once. As a join,
        PostgreSQL would compare all that waits with all that waits: it expects
        nothing to be waiting, as is the case on most days.
        """
        in_front = OutboxMessage.objects.filter(
            # A newer state goes instead of an older one, not after it.
            Q(status=OutboxStatus.LEASED)
            | Q(coalesce=False)
            | ~Q(coalesce=OuterRef("coalesce")),
            ordering_key=OuterRef("ordering_key"),
            pk__lt=OuterRef("pk"),
            status__in=OPEN,
        )
        first = in_front.order_by("pk").values("pk")[:1]
        return self.alias(waits_for=Subquery(first)).filter(waits_for=None)

    def with_room(self, *, leases: int) -> "OutboxQuerySet":
        """Keep those that their destination could take now: the first in each queue.

        What is on its way already counts against the `leases` of a destination.
        """
        on_the_way = OutboxMessage.objects.filter(
            destination=OuterRef("destination"),
            status=OutboxStatus.LEASED,
            lease_until__gte=Now(),
        )
        counted = on_the_way.order_by().values("destination").annotate(n=Count("pk"))
        place = Window(RowNumber(), partition_by="destination", order_by="pk")
        return self.alias(
            taken=Coalesce(Subquery(counted.values("n")), 0), place=place
        ).filter(place__lte=leases - F("taken"))


class OutboxMessage(models.Model):
    """Something to tell the outside, at least once, in order per `ordering_key`.

    `key` stays the same over all tries: receivers know a repetition by it. The row
    is the truth; a Celery message about it is only a hint. All of its times but
    `expires_at` are of the database's clock, so that workers whose clocks differ agree.

    `attempts` counts since the first try or the last replay.
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
    coalesce = models.BooleanField(default=False, db_default=False)
    payload = models.JSONField(default=dict)
    request_id = models.CharField(max_length=64, blank=True)

    status = models.CharField(
        max_length=12,
        choices=OutboxStatus,
        default=OutboxStatus.PENDING,
        db_default=OutboxStatus.PENDING,
    )
    attempts = models.PositiveSmallIntegerField(default=0, db_default=0)
    max_attempts = models.PositiveSmallIntegerField(default=13, db_default=13)
    next_attempt_at = models.DateTimeField(db_default=Now())
    hinted_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)
    lease_token = models.UUIDField(null=True)
    last_outcome = models.CharField(
        max_length=12, choices=AttemptOutcome, blank=True, db_default=""
    )
    last_error = models.CharField(max_length=500, blank=True, db_default="")
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)

    objects = OutboxQuerySet.as_manager()

    class Meta:
        verbose_name = "delivery"
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(
                fields=["event", "kind", "destination"],
                name="outbox_tells_each_destination_once",
                condition=Q(event__isnull=False),
            ),
            models.CheckConstraint(
                name="outbox_is_leased_with_token_and_end",
                condition=Q(
                    status=OutboxStatus.LEASED,
                    lease_until__isnull=False,
                    lease_token__isnull=False,
                )
                | (
                    ~Q(status=OutboxStatus.LEASED)
                    & Q(lease_until__isnull=True, lease_token__isnull=True)
                ),
            ),
            models.CheckConstraint(
                name="outbox_is_finished_with_a_time",
                condition=Q(
                    status__in=[*OPEN, OutboxStatus.PARKED], finished_at__isnull=True
                )
                | (
                    ~Q(status__in=[*OPEN, OutboxStatus.PARKED])
                    & Q(finished_at__isnull=False)
                ),
            ),
            models.CheckConstraint(
                name="outbox_status_is_known",
                condition=Q(status__in=OutboxStatus.values),
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_attempt_at"],
                name="outbox_due",
                condition=Q(status__in=["pending", "leased"]),
            ),
            models.Index(
                fields=["ordering_key", "id"],
                name="outbox_order",
                condition=Q(status__in=["pending", "leased"]),
            ),
            models.Index(
                fields=["destination", "id"],
                name="outbox_waiting",
                condition=Q(status__in=["pending", "leased", "parked"]),
            ),
            models.Index(
                fields=["destination"],
                name="outbox_on_the_way",
                condition=Q(status="leased"),
            ),
            models.Index(fields=["destination", "-id"], name="outbox_by_destination"),
            # Of those that wait the indexes above know: none of theirs may lead a
            # worker through all that waits for anybody.
            models.Index(
                fields=["status", "-id"],
                name="outbox_ended",
                condition=Q(
                    status__in=["delivered", "superseded", "dead", "cancelled"]
                ),
            ),
            models.Index(
                fields=["finished_at"],
                name="outbox_finished",
                condition=Q(finished_at__isnull=False),
            ),
            models.Index(fields=["aggregate_id"], name="outbox_by_aggregate"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} to {self.destination} ({self.status})"


class DeliveryAttempt(models.Model):
    """One try to deliver a message, and what came of it."""

    message = models.ForeignKey(
        OutboxMessage, models.CASCADE, related_name="delivery_attempts"
    )
    number = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    duration_ms = models.PositiveIntegerField()
    outcome = models.CharField(max_length=12, choices=AttemptOutcome)
    http_status = models.PositiveSmallIntegerField(null=True)
    error = models.CharField(max_length=500, blank=True)
    response_excerpt = models.CharField(max_length=2000, blank=True)
    retry_after_seconds = models.PositiveIntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["message", "number"], name="attempts_are_numbered"
            ),
            models.CheckConstraint(
                name="attempt_numbers_start_at_one", condition=Q(number__gte=1)
            ),
        ]

    def __str__(self) -> str:
        return f"try {self.number}: {self.outcome}"

"""What happened: the history of each thing, and what handlers still have to hear."""

from uuid import UUID

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class EventQuerySet(models.QuerySet["Event"]):
    """Events."""

    def of(self, aggregate_type: str, aggregate_id: UUID) -> "EventQuerySet":
        """Return one thing's history, oldest first."""
        return self.filter(
            aggregate_type=aggregate_type, aggregate_id=aggregate_id
        ).order_by("number")

    def waiting(self) -> "EventQuerySet":
        """Return what handlers have not heard yet."""
        return self.filter(published_at=None, failed_at=None)


class Event(models.Model):
    """Something that happened, written in the transaction that made it happen.

    `number` counts 1, 2, 3 ... within one thing. `data` holds what a reader needs
    to understand the step without asking again.
    """

    name = models.CharField(max_length=60)
    aggregate_type = models.CharField(max_length=30)
    aggregate_id = models.UUIDField()
    number = models.PositiveIntegerField()
    location_id = models.UUIDField(null=True)
    data = models.JSONField(default=dict)
    actor_role = models.CharField(max_length=20)
    actor_id = models.UUIDField(null=True)
    actor_label = models.CharField(max_length=200)
    reason = models.CharField(max_length=500, blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    occurred_at = models.DateTimeField()

    published_at = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0, db_default=0)
    next_attempt_at = models.DateTimeField(db_default=Now())
    last_error = models.CharField(max_length=500, blank=True, db_default="")

    objects = EventQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["aggregate_id", "number"], name="event_number_is_unique"
            ),
            models.CheckConstraint(
                name="event_numbers_start_at_one", condition=Q(number__gte=1)
            ),
        ]
        indexes = [
            models.Index(
                fields=["id"],
                name="event_waiting",
                condition=Q(published_at=None, failed_at=None),
            ),
            models.Index(
                fields=["aggregate_id", "number"],
                name="event_waiting_in_line",
                condition=Q(published_at=None, failed_at=None),
            ),
            models.Index(fields=["occurred_at"], name="event_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.name} #{self.number}"

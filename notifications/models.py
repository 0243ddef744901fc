"""Messages to customers: one row per event and channel."""

from django.db import models
from django.db.models import Q

from appointments.models import Appointment
from core.actors import Actor
from core.ids import uuid7
from core.models import OutboxMessage, TimeStamped
from leads.models import Customer


class Channel(models.TextChoices):
    """How a message travels."""

    EMAIL = "email"
    SMS = "sms"


class NotificationQuerySet(models.QuerySet["Notification"]):
    """Messages."""

    def visible_to(self, actor: Actor) -> "NotificationQuerySet":
        if actor.location_ids is None:
            return self
        return self.filter(appointment__location__in=actor.location_ids)


class Notification(TimeStamped):
    """A message as it was written. Its way out is the outbox row `delivery`.

    `suppressed_because` says why nobody was told, where nobody was.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    key = models.CharField(max_length=120)
    appointment = models.ForeignKey(
        Appointment, models.CASCADE, related_name="notifications"
    )
    customer = models.ForeignKey(Customer, models.CASCADE, related_name="notifications")
    event_name = models.CharField(max_length=60)
    channel = models.CharField(max_length=5, choices=Channel)
    recipient = models.CharField(max_length=254)
    subject = models.CharField(max_length=200, blank=True)
    body = models.TextField()
    delivery = models.OneToOneField(
        OutboxMessage, models.SET_NULL, null=True, related_name="notification"
    )
    suppressed_because = models.CharField(max_length=200, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    provider_message_id = models.CharField(max_length=120, blank=True)

    objects = NotificationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint("key", name="notification_is_written_once"),
            models.CheckConstraint(
                name="notification_channel_is_known",
                condition=Q(channel__in=Channel.values),
            ),
        ]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="notification_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.event_name} by {self.channel} to {self.recipient}"

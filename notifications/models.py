"""Messages to customers: one row per event and channel."""

from django.db import models
from django.db.models import Q

from appointments.models import Appointment
from core.actors import Actor
from core.ids import uuid7
from core.models import OutboxMessage, TimeStamped
from core.models.outbox import OPEN, OutboxStatus
from leads.models import Customer
from notifications.rules.relevance import Kind


class Channel(models.TextChoices):
    """How a message travels."""

    EMAIL = "email"
    SMS = "sms"


class State(models.TextChoices):
    """How far a message has come."""

    PENDING = "pending"
    DELIVERED = "delivered"
    SUPPRESSED = "suppressed"
    FAILED = "failed"


KIND_CHOICES = [(kind.value, kind.value.replace("_", " ")) for kind in Kind]
_WAITING = (*OPEN, OutboxStatus.PARKED)


class NotificationQuerySet(models.QuerySet["Notification"]):
    """Messages."""

    def visible_to(self, actor: Actor) -> "NotificationQuerySet":
        if actor.location_ids is None:
            return self
        return self.filter(appointment__location__in=actor.location_ids)

    def in_state(self, state: State) -> "NotificationQuerySet":
        sent = Q(sent_at__isnull=False)
        suppressed = ~Q(suppressed_because="")
        waiting = Q(delivery__status__in=_WAITING)
        match state:
            case State.DELIVERED:
                return self.filter(sent)
            case State.SUPPRESSED:
                return self.filter(suppressed)
            case State.PENDING:
                return self.filter(~sent & ~suppressed & waiting)
            case State.FAILED:
                gone = Q(delivery=None) | ~waiting
                return self.filter(~sent & ~suppressed & gone)


class Notification(TimeStamped):
    """A message as it was written. Its way out is the outbox row `delivery`.

    `suppressed_because` says why nobody was told, where nobody was. The delivery is
    forgotten some time after it ended; what became of the message is not.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    key = models.CharField(max_length=120)
    appointment = models.ForeignKey(
        Appointment, models.CASCADE, related_name="notifications"
    )
    customer = models.ForeignKey(Customer, models.CASCADE, related_name="notifications")
    event_name = models.CharField(max_length=60)
    kind = models.CharField(max_length=20, choices=KIND_CHOICES)
    channel = models.CharField(max_length=5, choices=Channel)
    recipient = models.CharField(max_length=254, blank=True)
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
        verbose_name = "message"
        constraints = [
            models.UniqueConstraint("key", name="notification_is_written_once"),
            models.CheckConstraint(
                name="notification_channel_is_known",
                condition=Q(channel__in=Channel.values),
            ),
            models.CheckConstraint(
                name="notification_kind_is_known",
                condition=Q(kind__in=[kind.value for kind in Kind]),
            ),
            models.CheckConstraint(
                name="notification_is_sent_or_suppressed",
                condition=Q(sent_at__isnull=True) | Q(suppressed_because=""),
            ),
            models.CheckConstraint(
                name="notification_goes_to_somebody",
                condition=~Q(recipient="") | ~Q(suppressed_because=""),
            ),
        ]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="notification_by_time"),
        ]

    @property
    def state(self) -> State:
        if self.sent_at:
            return State.DELIVERED
        if self.suppressed_because:
            return State.SUPPRESSED
        if self.delivery and self.delivery.status in _WAITING:
            return State.PENDING
        return State.FAILED

    def __str__(self) -> str:
        return f"{self.event_name} by {self.channel} to {self.recipient}"

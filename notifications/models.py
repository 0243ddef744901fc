"""Messages to customers: one row per event and channel."""

from django.db import models
from django.db.models import Q

from appointments.models import Appointment
from core.actors import Actor, Role
from core.ids import uuid7
from core.models import OutboxMessage, TimeStamped
from core.models.outbox import OPEN, OutboxStatus
from leads.models import Customer
from notifications.rules.relevance import Kind
from notifications.rules.replies import Meaning


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


class CarrierStatus(models.TextChoices):
    """How far the phone company says that a text has come: only ever forward."""

    QUEUED = "queued"
    SENT = "sent"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    FAILED = "failed"


NOT_ARRIVED = (CarrierStatus.UNDELIVERED, CarrierStatus.FAILED)

KIND_CHOICES = [(kind.value, kind.value.replace("_", " ")) for kind in Kind]
MEANING_CHOICES = [(meaning.value, meaning.value) for meaning in Meaning]
_WAITING = (*OPEN, OutboxStatus.PARKED)


class NotificationQuerySet(models.QuerySet["Notification"]):
    """Messages."""

    def visible_to(self, actor: Actor) -> "NotificationQuerySet":
        if actor.location_ids is None:
            return self
        return self.filter(appointment__location__in=actor.location_ids)

    def in_state(self, state: State) -> "NotificationQuerySet":
        lost = Q(carrier_status__in=NOT_ARRIVED)
        sent = Q(sent_at__isnull=False) & ~lost
        suppressed = ~Q(suppressed_because="")
        waiting = Q(delivery__status__in=_WAITING)
        match state:
            case State.DELIVERED:
                return self.filter(sent)
            case State.SUPPRESSED:
                return self.filter(suppressed)
            case State.PENDING:
                return self.filter(~sent & ~lost & ~suppressed & waiting)
            case State.FAILED:
                gone = Q(delivery=None) | ~waiting
                return self.filter(lost | (~sent & ~suppressed & gone))


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
    carrier_status = models.CharField(
        max_length=20, choices=CarrierStatus, blank=True, default="", db_default=""
    )
    carrier_error = models.CharField(
        max_length=200, blank=True, default="", db_default=""
    )

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
                name="notification_carrier_status_is_known",
                condition=Q(carrier_status__in=["", *CarrierStatus.values]),
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
            models.Index(
                fields=["provider_message_id"],
                name="notification_at_provider",
                condition=~Q(provider_message_id=""),
            ),
        ]

    @property
    def state(self) -> State:
        if self.carrier_status in NOT_ARRIVED:
            return State.FAILED
        if self.sent_at:
            return State.DELIVERED
        if self.suppressed_because:
            return State.SUPPRESSED
        if self.delivery and self.delivery.status in _WAITING:
            return State.PENDING
        return State.FAILED

    def __str__(self) -> str:
        return f"{self.event_name} by {self.channel} to {self.recipient}"


class ReplyQuerySet(models.QuerySet["Reply"]):
    """What people sent us."""

    def visible_to(self, actor: Actor) -> "ReplyQuerySet":
        """Return all for the office: like customers, replies are the company's."""
        if actor.role in {Role.TECHNICIAN, Role.ANONYMOUS}:
            return self.none()
        return self

    def waiting(self) -> "ReplyQuerySet":
        """Return those that nobody has seen to."""
        return self.filter(handled_at=None)


class Reply(TimeStamped):
    """A text that somebody sent us. One that wants an answer waits for a person."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    provider_message_id = models.CharField(max_length=120, unique=True)
    sender = models.CharField(max_length=16)
    customer = models.ForeignKey(
        Customer, models.SET_NULL, null=True, blank=True, related_name="replies"
    )
    body = models.TextField(max_length=4000, blank=True)
    meaning = models.CharField(max_length=6, choices=MEANING_CHOICES)
    received_at = models.DateTimeField()
    handled_at = models.DateTimeField(null=True, blank=True)
    handled_by = models.CharField(max_length=200, blank=True)

    objects = ReplyQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "replies"
        constraints = [
            models.CheckConstraint(
                name="reply_is_handled_by_somebody",
                condition=Q(handled_at=None, handled_by="")
                | Q(handled_at__isnull=False) & ~Q(handled_by=""),
            ),
            models.CheckConstraint(
                name="reply_meaning_is_known",
                condition=Q(meaning__in=[meaning.value for meaning in Meaning]),
            ),
        ]
        indexes = [
            models.Index(fields=["-received_at", "-id"], name="reply_by_time"),
            models.Index(
                fields=["received_at"],
                name="reply_waiting",
                condition=Q(handled_at=None),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.sender}: {self.body[:40]}"

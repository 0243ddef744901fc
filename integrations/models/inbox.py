"""What vendors told us, as they said it, and what became of it."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from core.crypto import EncryptedTextField
from integrations.models.connections import Connection


class Source(models.TextChoices):
    """How we came to hear of it."""

    WEBHOOK = "webhook"
    POLL = "poll"


class InboundState(models.TextChoices):
    """received -> leased -> processed, ignored or stale; or dead."""

    RECEIVED = "received"
    LEASED = "leased"
    PROCESSED = "processed"
    IGNORED = "ignored"  # nothing that we use, or what we said ourselves
    STALE = "stale"  # older than what we know
    DEAD = "dead"  # given up; a person may have it processed again


WAITING = (InboundState.RECEIVED, InboundState.LEASED)


class InboundEvent(models.Model):
    """Something a vendor told us, committed before it was answered.

    `body` are the very bytes, base64 and encrypted: they name people. The same thing
    told twice has the same `dedupe_key`, and is stored once.
    """

    connection = models.ForeignKey(Connection, models.CASCADE, related_name="inbox")
    source = models.CharField(max_length=7, choices=Source, default=Source.WEBHOOK)
    event_type = models.CharField(max_length=80, blank=True)
    external_id = models.CharField(max_length=120, blank=True)
    dedupe_key = models.CharField(max_length=120)
    headers = models.JSONField(default=dict)
    body = EncryptedTextField(blank=True)
    occurred_at = models.DateTimeField(null=True, blank=True)
    received_at = models.DateTimeField(db_default=Now())
    times_received = models.PositiveIntegerField(default=1, db_default=1)
    request_id = models.CharField(max_length=64, blank=True)

    state = models.CharField(
        max_length=9,
        choices=InboundState,
        default=InboundState.RECEIVED,
        db_default=InboundState.RECEIVED,
    )
    attempts = models.PositiveSmallIntegerField(default=0, db_default=0)
    next_attempt_at = models.DateTimeField(db_default=Now())
    hinted_at = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)
    lease_token = models.UUIDField(null=True)
    note = models.CharField(max_length=500, blank=True, db_default="")
    finished_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "callback"
        constraints = [
            models.UniqueConstraint(
                fields=["connection", "dedupe_key"], name="inbound_is_stored_once"
            ),
            models.CheckConstraint(
                name="inbound_state_is_known",
                condition=Q(state__in=InboundState.values),
            ),
            models.CheckConstraint(
                name="inbound_is_leased_with_token_and_end",
                condition=Q(
                    state=InboundState.LEASED,
                    lease_until__isnull=False,
                    lease_token__isnull=False,
                )
                | (
                    ~Q(state=InboundState.LEASED)
                    & Q(lease_until__isnull=True, lease_token__isnull=True)
                ),
            ),
            models.CheckConstraint(
                name="inbound_is_finished_with_a_time",
                condition=Q(state__in=WAITING, finished_at__isnull=True)
                | (~Q(state__in=WAITING) & Q(finished_at__isnull=False)),
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_attempt_at"],
                name="inbound_due",
                condition=Q(state__in=["received", "leased"]),
            ),
            models.Index(
                fields=["connection", "id"],
                name="inbound_waiting",
                condition=Q(state__in=["received", "leased"]),
            ),
            models.Index(
                fields=["connection"],
                name="inbound_leased",
                condition=Q(state="leased"),
            ),
            models.Index(
                fields=["-id"], name="inbound_dead", condition=Q(state="dead")
            ),
            models.Index(fields=["connection", "-id"], name="inbound_by_connection"),
            models.Index(
                fields=["finished_at"],
                name="inbound_finished",
                condition=Q(finished_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event_type or self.source} {self.external_id}".rstrip()

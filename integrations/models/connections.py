"""Connections: the vendors that the company works with, and how they are doing."""

from django.db import models
from django.db.models import Q

from core.actors import Actor
from core.crypto import EncryptedTextField
from core.ids import uuid7
from core.models import Location, TimeStamped, Versioned


class Vendor(models.TextChoices):
    """Whom a connection leads to; each has a module in `integrations.connectors`."""

    SERVICETITAN = "servicetitan", "ServiceTitan"
    HOUSECALLPRO = "housecallpro", "Housecall Pro"
    MAILCHIMP = "mailchimp", "Mailchimp"
    STRIPE = "stripe", "Stripe"
    TWILIO = "twilio", "Twilio"
    GOOGLE_MAPS = "google_maps", "Google Maps"


class ConnectionState(models.TextChoices):
    """active <-> paused; needs_attention until somebody has put it right."""

    ACTIVE = "active"
    PAUSED = "paused"  # by a person
    NEEDS_ATTENTION = "needs_attention"  # the vendor refuses our credentials, or worse


class ConnectionQuerySet(models.QuerySet["Connection"]):
    """Connections."""

    def visible_to(self, actor: Actor) -> "ConnectionQuerySet":
        """Return the company's for those who see all of it, else their branches'."""
        if actor.location_ids is None:
            return self
        return self.filter(location__in=actor.location_ids)

    def serving(self, location_id: object) -> "ConnectionQuerySet":
        """Return those that things of this branch belong to."""
        return self.filter(Q(location__isnull=True) | Q(location=location_id))


class Connection(TimeStamped, Versioned):
    """A vendor, configured for the company or for one branch.

    `settings` hold what may be seen (tenant, list, hosts), `credentials` a JSON object
    that is never shown. `inbound_token` is part of the URL that the vendor calls, and
    is looked up by its hash. While `previous_secret` is set, callbacks signed with
    either secret are taken, so that a secret can be changed in peace.

    What waits for a connection that is not active is parked.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    vendor = models.CharField(max_length=20, choices=Vendor)
    name = models.CharField(max_length=80)
    location = models.ForeignKey(
        Location, models.CASCADE, null=True, blank=True, related_name="+"
    )
    settings = models.JSONField(default=dict, blank=True)
    credentials = EncryptedTextField(blank=True)

    inbound_token = EncryptedTextField(blank=True)
    inbound_token_hash = models.CharField(max_length=64, blank=True)
    inbound_secret = EncryptedTextField(blank=True)
    previous_secret = EncryptedTextField(blank=True)
    previous_secret_until = models.DateTimeField(null=True, blank=True)

    state = models.CharField(
        max_length=15, choices=ConnectionState, default=ConnectionState.ACTIVE
    )
    attention = models.CharField(max_length=300, blank=True)
    calls_per_second = models.FloatField(null=True, blank=True)

    objects = ConnectionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "vendor", "name", name="connection_name_is_unique_per_vendor"
            ),
            models.UniqueConstraint(
                "inbound_token_hash",
                name="connection_inbound_token_is_unique",
                condition=~Q(inbound_token_hash=""),
            ),
            models.CheckConstraint(
                name="connection_vendor_is_known",
                condition=Q(vendor__in=Vendor.values),
            ),
            models.CheckConstraint(
                name="connection_state_is_known",
                condition=Q(state__in=ConnectionState.values),
            ),
            models.CheckConstraint(
                name="connection_says_what_needs_attention",
                condition=Q(state=ConnectionState.NEEDS_ATTENTION) & ~Q(attention="")
                | ~Q(state=ConnectionState.NEEDS_ATTENTION) & Q(attention=""),
            ),
            models.CheckConstraint(
                name="connection_previous_secret_has_an_end",
                condition=Q(previous_secret="", previous_secret_until=None)
                | ~Q(previous_secret="") & Q(previous_secret_until__isnull=False),
            ),
            models.CheckConstraint(
                name="connection_calls_at_a_pace",
                condition=Q(calls_per_second=None) | Q(calls_per_second__gt=0),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Breaker(models.TextChoices):
    """closed -> open (no calls) -> half_open (one probe at a time) -> closed."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class ConnectionHealth(models.Model):
    """How a connection is doing: written by machines, apart from what people edit.

    `window` counts calls and failures in buckets of ten seconds, the newest last:
    [[bucket, calls, failures], ...]. While the breaker is open nobody calls before
    `reopens_at`; then one caller at a time holds `probe_until`. After that, until
    `recovering_until`, the pace follows `normal_rate`: calls per second before.
    """

    connection = models.OneToOneField(
        Connection, models.CASCADE, primary_key=True, related_name="health"
    )
    breaker = models.CharField(
        max_length=10, choices=Breaker, default=Breaker.CLOSED, db_default="closed"
    )
    window = models.JSONField(default=list, blank=True)
    failures_in_row = models.PositiveIntegerField(default=0, db_default=0)
    successes_in_row = models.PositiveIntegerField(default=0, db_default=0)
    open_seconds = models.PositiveIntegerField(default=0, db_default=0)
    reopens_at = models.DateTimeField(null=True, blank=True)
    probe_token = models.UUIDField(null=True, blank=True)
    probe_until = models.DateTimeField(null=True, blank=True)
    normal_rate = models.FloatField(null=True, blank=True)
    recovering_until = models.DateTimeField(null=True, blank=True)

    last_success_at = models.DateTimeField(null=True, blank=True)
    last_failure_at = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=500, blank=True, db_default="")
    failing_since = models.DateTimeField(null=True, blank=True)
    last_inbound_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "connection health"
        constraints = [
            models.CheckConstraint(
                name="health_breaker_is_known",
                condition=Q(breaker__in=Breaker.values),
            ),
            models.CheckConstraint(
                name="health_open_breaker_reopens",
                condition=Q(breaker=Breaker.CLOSED) | Q(reopens_at__isnull=False),
            ),
            models.CheckConstraint(
                name="health_probe_has_token_and_end",
                condition=Q(probe_token=None, probe_until=None)
                | Q(probe_token__isnull=False, probe_until__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.connection_id}: {self.breaker}"

"""Who outside wants to hear of our events."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from core.actors import Actor
from core.crypto import EncryptedTextField
from core.ids import uuid7
from core.models import Location, TimeStamped, Versioned


class WebhookEndpointQuerySet(models.QuerySet["WebhookEndpoint"]):
    """Subscribers."""

    def visible_to(self, actor: Actor) -> "WebhookEndpointQuerySet":
        """Return those of the actor's branches."""
        if actor.location_ids is None:
            return self
        return self.filter(location__in=actor.location_ids)


class WebhookEndpoint(TimeStamped, Versioned):
    """A URL that is told of events, signed as Standard Webhooks has it.

    An empty `event_names` asks for all. While `previous_secret` is set, each
    message carries two signatures, so that a receiver can change over in peace.
    `failing_since` is when it first failed without having worked since.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    url = models.URLField("URL", max_length=2000)
    description = models.CharField(max_length=200, blank=True)
    event_names = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    location = models.ForeignKey(
        Location, models.CASCADE, null=True, blank=True, related_name="+"
    )
    secret = EncryptedTextField()
    previous_secret = EncryptedTextField(blank=True)
    previous_secret_until = models.DateTimeField(null=True, blank=True)
    is_active = models.BooleanField(default=True)
    disabled_because = models.CharField(max_length=200, blank=True)
    failing_since = models.DateTimeField(null=True, blank=True)

    objects = WebhookEndpointQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "url",
                "location",
                name="webhook_endpoint_is_unique",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                name="webhook_endpoint_has_a_secret", condition=~Q(secret="")
            ),
            models.CheckConstraint(
                name="webhook_previous_secret_has_an_end",
                condition=Q(previous_secret="", previous_secret_until=None)
                | ~Q(previous_secret="") & Q(previous_secret_until__isnull=False),
            ),
            models.CheckConstraint(
                name="webhook_disabled_has_a_reason",
                condition=Q(is_active=True, disabled_because="")
                | Q(is_active=False) & ~Q(disabled_because=""),
            ),
        ]

    def __str__(self) -> str:
        return self.url

"""Slots kept while somebody decides or pays."""

from django.db import models
from django.db.models import F, Q

from appointments.models.services import Service
from core.ids import uuid7
from core.models import Location, TimeStamped, Zone
from leads.models import Lead


class Hold(TimeStamped):
    """A slot kept for one visitor until `expires_at` (R11).

    Whoever knows the token may book it or let it go. `visitor` names whose hold it
    is, and a visitor has one; `address` is a keyed hash of the network address, by
    which holds are limited. The time is taken by its assignments, which count until
    they expire: no process is needed to end a hold.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    visitor = models.CharField(max_length=64, unique=True, editable=False)
    address = models.CharField(max_length=64, blank=True, editable=False)
    location = models.ForeignKey(Location, models.CASCADE, related_name="+")
    zone = models.ForeignKey(
        Zone, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    service = models.ForeignKey(Service, models.CASCADE, related_name="+")
    lead = models.ForeignKey(
        Lead, models.CASCADE, null=True, blank=True, related_name="+"
    )
    postal_code = models.CharField("ZIP", max_length=10)
    window_starts_at = models.DateTimeField()
    window_ends_at = models.DateTimeField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="hold_ends_after_start", condition=Q(ends_at__gt=F("starts_at"))
            ),
        ]
        indexes = [
            models.Index("address", "expires_at", name="hold_by_address"),
            models.Index("expires_at", name="hold_by_expiry"),
        ]

    def __str__(self) -> str:
        return f"{self.service_id} until {self.expires_at:%H:%M:%S}"

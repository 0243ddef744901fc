"""Which field is which at a vendor, who wins where both changed, and what lost."""

from django.db import models
from django.db.models import Q

from integrations.models.connections import Connection
from integrations.models.inbox import InboundEvent


class Direction(models.TextChoices):
    """Which way a field travels."""

    OUT = "out"
    IN = "in"
    BOTH = "both"


class Winner(models.TextChoices):
    """Whose value stands when both sides changed a field since they last agreed."""

    OURS = "ours"
    THEIRS = "theirs"
    NEWEST = "newest"


class FieldMapping(models.Model):
    """One field of ours at a vendor: data, so that an admin can change it.

    `remote` is the path in the vendor's object, such as `customer.first_name`.
    `choices` translates values, ours to theirs: a service's code to a job type's id.
    """

    connection = models.ForeignKey(Connection, models.CASCADE, related_name="mappings")
    object_type = models.CharField(max_length=30)
    field = models.CharField(max_length=60)
    remote = models.CharField(max_length=120)
    direction = models.CharField(
        max_length=4, choices=Direction, default=Direction.BOTH
    )
    winner = models.CharField(max_length=6, choices=Winner, default=Winner.OURS)
    choices = models.JSONField(default=dict, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["connection", "object_type", "field"],
                name="field_is_mapped_once",
            ),
            models.CheckConstraint(
                name="mapping_direction_is_known",
                condition=Q(direction__in=Direction.values),
            ),
            models.CheckConstraint(
                name="mapping_winner_is_known", condition=Q(winner__in=Winner.values)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.object_type}.{self.field} = {self.remote}"


class SyncConflict(models.Model):
    """Two edits of one field, or a change of theirs that cannot be ours.

    `both_changed`: the policy has decided, and the loser is kept here. `not_possible`:
    what they say would break a rule of ours, such as a time that would double-book;
    nothing was stored, and a person decides.
    """

    class Kind(models.TextChoices):
        """Why a person should look."""

        BOTH_CHANGED = "both_changed"
        NOT_POSSIBLE = "not_possible"

    connection = models.ForeignKey(Connection, models.CASCADE, related_name="conflicts")
    kind = models.CharField(max_length=12, choices=Kind)
    object_type = models.CharField(max_length=30)
    object_id = models.UUIDField()
    field = models.CharField(max_length=60)
    agreed = models.JSONField(null=True)
    ours = models.JSONField(null=True)
    theirs = models.JSONField(null=True)
    kept = models.CharField(max_length=6, blank=True)
    why = models.CharField(max_length=500, blank=True)
    inbound = models.ForeignKey(
        InboundEvent, models.SET_NULL, null=True, related_name="conflicts"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolved_by = models.CharField(max_length=200, blank=True)
    resolution = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["connection", "object_type", "object_id", "field"],
                name="one_open_conflict_per_field",
                condition=Q(resolved_at=None),
            ),
            models.CheckConstraint(
                name="conflict_kept_is_known",
                condition=Q(kept__in=["", "ours", "theirs"]),
            ),
            models.CheckConstraint(
                name="conflict_is_resolved_by_somebody",
                condition=Q(resolved_at=None, resolved_by="")
                | Q(resolved_at__isnull=False) & ~Q(resolved_by=""),
            ),
        ]
        indexes = [
            models.Index(
                fields=["connection", "-id"],
                name="conflict_open",
                condition=Q(resolved_at=None),
            ),
        ]

    def __str__(self) -> str:
        called = (
            getattr(self, "subject", "") or self.object_id
        )  # if a selector added it
        return f"{self.object_type} {called}: {self.field}".replace("_", " ")

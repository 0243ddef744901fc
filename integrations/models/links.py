"""Which of theirs is which of ours, and how far their feeds have been read."""

from django.db import models
from django.db.models import Q

from integrations.models.connections import Connection


class ExternalLink(models.Model):
    """One of our things at a vendor, with what both sides last agreed on.

    A row without `remote_id` is a claim: somebody is creating the thing there until
    `claimed_until`. When that has passed, nobody knows whether it was created, and
    whoever takes over searches before it creates.

    `agreed` holds the fields, in our words, that both sides had when they last met:
    what differs from it on one side only was changed on that side.
    """

    class Origin(models.TextChoices):
        """How the two came to know each other."""

        CREATED = "created"  # we created it there
        FOUND = "found"  # we searched, and it was there
        TAKEN_IN = "taken_in"  # it came from there, and was created here
        BY_HAND = "by_hand"

    connection = models.ForeignKey(Connection, models.CASCADE, related_name="links")
    object_type = models.CharField(max_length=30)
    object_id = models.UUIDField()
    remote_type = models.CharField(max_length=30)
    remote_id = models.CharField(max_length=120, blank=True, db_default="")
    remote_version = models.CharField(max_length=60, blank=True, db_default="")
    agreed = models.JSONField(default=dict)
    origin = models.CharField(max_length=10, choices=Origin, default=Origin.CREATED)
    claim_token = models.UUIDField(null=True, blank=True)
    claimed_until = models.DateTimeField(null=True, blank=True)
    pushed_at = models.DateTimeField(null=True, blank=True)
    seen_at = models.DateTimeField(null=True, blank=True)
    is_gone = models.BooleanField(default=False, db_default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["connection", "object_type", "object_id", "remote_type"],
                name="link_from_ours_is_unique",
            ),
            models.UniqueConstraint(
                fields=["connection", "remote_type", "remote_id"],
                name="link_from_theirs_is_unique",
                condition=~Q(remote_id=""),
            ),
            models.CheckConstraint(
                name="link_is_made_or_claimed",
                condition=~Q(remote_id="") | Q(claimed_until__isnull=False),
            ),
            models.CheckConstraint(
                name="link_claim_has_token_and_end",
                condition=Q(claim_token=None, claimed_until=None)
                | Q(claim_token__isnull=False, claimed_until__isnull=False),
            ),
        ]
        indexes = [
            models.Index(fields=["object_id"], name="link_by_object"),
        ]

    def __str__(self) -> str:
        called = getattr(self, "subject", "") or self.object_id
        return f"{self.object_type} {called} = {self.remote_type} {self.remote_id}"


class PollCursor(models.Model):
    """How far one feed of a vendor has been read."""

    connection = models.ForeignKey(Connection, models.CASCADE, related_name="cursors")
    feed = models.CharField(max_length=40)
    cursor = models.CharField(max_length=500, blank=True, db_default="")
    polled_at = models.DateTimeField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    lease_token = models.UUIDField(null=True, blank=True)
    # What only polling found, because its webhook never came.
    found = models.PositiveBigIntegerField(default=0, db_default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["connection", "feed"], name="poll_cursor_is_unique"
            ),
            models.CheckConstraint(
                name="poll_lease_has_token_and_end",
                condition=Q(lease_token=None, lease_until=None)
                | Q(lease_token__isnull=False, lease_until__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.connection_id}: {self.feed}"

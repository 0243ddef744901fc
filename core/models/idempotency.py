"""What a repeated request is answered with."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class IdempotencyRecord(models.Model):
    """A keyed request and its answer, committed together with its effect."""

    principal = models.CharField(max_length=80)
    route = models.CharField(max_length=120)
    key = models.CharField(max_length=255)
    request_hash = models.CharField(max_length=64)
    status_code = models.PositiveSmallIntegerField(null=True)
    body = models.BinaryField(null=True)
    headers = models.JSONField(default=dict)
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = "repeated request"
        constraints = [
            models.UniqueConstraint(
                "principal", "route", "key", name="idempotency_key_is_unique"
            ),
            models.CheckConstraint(
                name="idempotency_answer_is_whole",
                condition=Q(status_code__isnull=True, body__isnull=True)
                | Q(status_code__isnull=False, body__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.route} {self.key}"

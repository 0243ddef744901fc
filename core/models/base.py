"""What models share."""

from django.db import models
from django.db.models.functions import Now


class TimeStamped(models.Model):
    """When a row came and when it last changed."""

    created_at = models.DateTimeField(auto_now_add=True, db_default=Now())
    updated_at = models.DateTimeField(auto_now=True, db_default=Now())

    class Meta:
        abstract = True


class Versioned(models.Model):
    """A number that grows with each change: the ETag of the row."""

    version = models.PositiveIntegerField(default=1, db_default=1, editable=False)

    class Meta:
        abstract = True

"""How long ways take, as a map vendor said."""

from django.db import models
from django.db.models import Q


class TravelMinutes(models.Model):
    """One way from a place to another, in millionths of a degree.

    `time_class` tells free roads from those of the rush hour. Without minutes there is
    no way by road. Rows are a cache: whoever misses one asks again.
    """

    origin_latitude = models.IntegerField()
    origin_longitude = models.IntegerField()
    destination_latitude = models.IntegerField()
    destination_longitude = models.IntegerField()
    time_class = models.CharField(max_length=10)
    minutes = models.PositiveIntegerField(null=True)
    fetched_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "travel minutes"
        constraints = [
            models.UniqueConstraint(
                fields=[
                    "origin_latitude",
                    "origin_longitude",
                    "destination_latitude",
                    "destination_longitude",
                    "time_class",
                ],
                name="way_is_known_once",
            ),
            models.CheckConstraint(
                name="way_time_class_is_known",
                condition=Q(time_class__in=["free", "rush"]),
            ),
        ]
        indexes = [
            models.Index(
                fields=["destination_latitude", "destination_longitude"],
                name="way_by_destination",
            ),
            models.Index(fields=["fetched_at"], name="way_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.minutes} min ({self.time_class})"

"""What the company sells."""

from django.db import models
from django.db.models import Q

from core.ids import uuid7
from core.models import TimeStamped
from technicians.models import Skill


class BookingMode(models.TextChoices):
    """What the customer is promised: a window of arrival, or the exact start."""

    WINDOW = "window"
    EXACT = "exact"


class ServiceQuerySet(models.QuerySet["Service"]):
    """Services."""

    def bookable(self) -> "ServiceQuerySet":
        return self.filter(is_active=True)

    def public(self) -> "ServiceQuerySet":
        """Return those a visitor may book."""
        return self.filter(is_active=True, is_public=True)


class Service(TimeStamped):
    """A job type: how long it takes, what it needs, and how it is booked.

    All lengths are minutes. `notice_minutes` is the least time between booking and
    the start; `horizon_days` counts local days from today. `crew_size` technicians
    come together. A service that `splits_over_days` goes on in the next shift where
    one is not enough. What `requires_approval` is asked for, not booked, by visitors.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    code = models.SlugField(max_length=40, db_index=False)
    name = models.CharField(max_length=100)
    description = models.CharField(max_length=500, blank=True)
    duration_minutes = models.PositiveSmallIntegerField()
    buffer_before_minutes = models.PositiveSmallIntegerField(default=0)
    buffer_after_minutes = models.PositiveSmallIntegerField(default=0)
    booking_mode = models.CharField(
        max_length=6, choices=BookingMode, default=BookingMode.WINDOW
    )
    window_minutes = models.PositiveSmallIntegerField(default=120)
    notice_minutes = models.PositiveIntegerField(default=120)
    horizon_days = models.PositiveSmallIntegerField(default=60)
    price_cents = models.PositiveIntegerField(default=0)
    deposit_cents = models.PositiveIntegerField(default=0)
    currency = models.CharField(max_length=3, default="USD")
    crew_size = models.PositiveSmallIntegerField(default=1)
    hold_minutes = models.PositiveSmallIntegerField(default=15)
    splits_over_days = models.BooleanField(default=False)
    requires_approval = models.BooleanField(default=False)
    is_emergency = models.BooleanField(default=False)
    is_public = models.BooleanField(default=True)
    is_active = models.BooleanField(default=True)
    skills = models.ManyToManyField(Skill, blank=True, related_name="services")

    objects = ServiceQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint("code", name="service_code_is_unique"),
            models.CheckConstraint(
                name="service_takes_time", condition=Q(duration_minutes__gte=5)
            ),
            models.CheckConstraint(
                name="service_window_has_length", condition=Q(window_minutes__gte=15)
            ),
            models.CheckConstraint(
                name="service_has_a_crew", condition=Q(crew_size__range=(1, 20))
            ),
            models.CheckConstraint(
                name="service_hold_is_short", condition=Q(hold_minutes__range=(1, 120))
            ),
        ]

    def __str__(self) -> str:
        return self.name

"""The company's branches: where they are, when they open, which ZIPs they serve."""

import uuid

from django.db import models
from django.db.models import F, Q
from timezone_field import TimeZoneField

from core.actors import Actor
from core.ids import uuid7
from core.models.base import TimeStamped


class LocationQuerySet(models.QuerySet["Location"]):
    """Branches."""

    def visible_to(self, actor: Actor) -> "LocationQuerySet":
        if actor.location_ids is None:
            return self
        return self.filter(pk__in=actor.location_ids)


class Location(TimeStamped):
    """A branch: its wall clock rules all that happens there."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    code = models.SlugField(max_length=20, unique=True)
    name = models.CharField(max_length=100)
    time_zone = TimeZoneField()
    phone = models.CharField(max_length=16, blank=True)
    line1 = models.CharField("street", max_length=200, blank=True)
    city = models.CharField(max_length=100, blank=True)
    region = models.CharField("state", max_length=50, blank=True)
    postal_code = models.CharField("ZIP", max_length=10, blank=True)
    latitude = models.FloatField(null=True, blank=True)
    longitude = models.FloatField(null=True, blank=True)
    is_active = models.BooleanField(default=True)

    objects = LocationQuerySet.as_manager()

    class Meta:
        verbose_name = "branch"
        verbose_name_plural = "branches"
        constraints = [
            models.CheckConstraint(
                name="location_coordinates_come_in_pairs",
                condition=Q(latitude__isnull=True, longitude__isnull=True)
                | Q(latitude__range=(-90, 90), longitude__range=(-180, 180)),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Weekday(models.IntegerChoices):
    """ISO weekday minus one, as `date.weekday()` counts."""

    MONDAY = 0
    TUESDAY = 1
    WEDNESDAY = 2
    THURSDAY = 3
    FRIDAY = 4
    SATURDAY = 5
    SUNDAY = 6


class OpeningHours(models.Model):
    """When a branch lets visits begin on one weekday; closed where no row is."""

    location = models.ForeignKey(Location, models.CASCADE, related_name="opening_hours")
    weekday = models.PositiveSmallIntegerField(choices=Weekday)
    opens = models.TimeField()
    closes = models.TimeField()

    class Meta:
        verbose_name_plural = "opening hours"
        constraints = [
            models.UniqueConstraint(
                "location", "weekday", name="location_opens_once_a_day"
            ),
            models.CheckConstraint(
                name="opening_hours_close_after_opening",
                condition=Q(closes__gt=F("opens")),
            ),
            models.CheckConstraint(
                name="opening_hours_weekday_exists", condition=Q(weekday__range=(0, 6))
            ),
        ]

    def __str__(self) -> str:
        day = Weekday(self.weekday).label
        return f"{day} {self.opens:%H:%M}-{self.closes:%H:%M}"


class HolidayQuerySet(models.QuerySet["Holiday"]):
    """Holidays."""

    def visible_to(self, actor: Actor) -> "HolidayQuerySet":
        """Return those of the actor's branches, and the whole company's."""
        if actor.location_ids is None:
            return self
        return self.filter(Q(location__in=actor.location_ids) | Q(location=None))


class Holiday(models.Model):
    """A day on which nobody is booked: of one branch, or of the whole company."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    location = models.ForeignKey(
        Location, models.CASCADE, null=True, blank=True, related_name="holidays"
    )
    date = models.DateField()
    name = models.CharField(max_length=100)

    objects = HolidayQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "location", "date", name="holiday_once_a_day", nulls_distinct=False
            ),
        ]

    def __str__(self) -> str:
        return f"{self.date} {self.name}"


class Zone(models.Model):
    """A part of a branch's area, named as dispatchers speak of it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    location = models.ForeignKey(Location, models.CASCADE, related_name="zones")
    name = models.CharField(max_length=100)

    class Meta:
        constraints = [
            models.UniqueConstraint("location", "name", name="zone_name_is_unique"),
        ]

    def __str__(self) -> str:
        return self.name


class ZoneZipQuerySet(models.QuerySet["ZoneZip"]):
    """Served ZIPs."""

    def location_of(self, postal_code: str) -> uuid.UUID | None:
        """Return the branch that serves a ZIP, or None where nobody does."""
        return (
            self.filter(postal_code=postal_code[:5], zone__location__is_active=True)
            .values_list("zone__location_id", flat=True)
            .first()
        )


class ZoneZip(models.Model):
    """A served ZIP. It belongs to one zone, so an address names its branch."""

    zone = models.ForeignKey(Zone, models.CASCADE, related_name="zips")
    postal_code = models.CharField("ZIP", max_length=10)

    objects = ZoneZipQuerySet.as_manager()

    class Meta:
        verbose_name = "served ZIP"
        constraints = [
            models.UniqueConstraint("postal_code", name="zip_belongs_to_one_zone"),
        ]

    def __str__(self) -> str:
        return self.postal_code

"""Technicians: what they can do, when they work and when they are away."""

from datetime import date

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from core.actors import Actor
from core.ids import uuid7
from core.models import Location, TimeStamped, Versioned, Zone
from core.models.company import Weekday


class Skill(models.Model):
    """Something a service may ask for: a trade skill or a certificate."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    code = models.SlugField(max_length=40, db_index=False)
    name = models.CharField(max_length=100)

    class Meta:
        constraints = [
            models.UniqueConstraint("code", name="skill_code_is_unique"),
        ]

    def __str__(self) -> str:
        return self.name


class TechnicianQuerySet(models.QuerySet["Technician"]):
    """Technicians."""

    def active(self) -> "TechnicianQuerySet":
        return self.filter(is_active=True)

    def visible_to(self, actor: Actor) -> "TechnicianQuerySet":
        """Return those of the actor's branches; a technician sees himself."""
        if actor.technician_id is not None:
            return self.filter(pk=actor.technician_id)
        if actor.location_ids is None:
            return self
        return self.filter(location__in=actor.location_ids)


class Technician(TimeStamped, Versioned):
    """Somebody who does visits. `location` is the home branch.

    Where `zones` is empty, the whole area of the shift's branch is served.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="technician",
    )
    location = models.ForeignKey(Location, models.PROTECT, related_name="technicians")
    name = models.CharField(max_length=100)
    phone = models.CharField(max_length=16, blank=True)
    email = models.EmailField(blank=True)
    home_latitude = models.FloatField(null=True, blank=True)
    home_longitude = models.FloatField(null=True, blank=True)
    zones = models.ManyToManyField(Zone, blank=True, related_name="technicians")
    skills = models.ManyToManyField(
        Skill, through="TechnicianSkill", related_name="technicians"
    )
    is_active = models.BooleanField(default=True)

    objects = TechnicianQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="technician_home_coordinates_come_in_pairs",
                condition=Q(home_latitude__isnull=True, home_longitude__isnull=True)
                | Q(
                    home_latitude__range=(-90, 90),
                    home_longitude__range=(-180, 180),
                ),
            ),
        ]
        indexes = [
            models.Index("location", "name", "id", name="technician_by_location")
        ]

    def __str__(self) -> str:
        return self.name


class TechnicianSkill(models.Model):
    """A technician has a skill; a certificate has a last day on which it holds."""

    technician = models.ForeignKey(
        Technician, models.CASCADE, related_name="technician_skills"
    )
    skill = models.ForeignKey(Skill, models.PROTECT, related_name="technician_skills")
    valid_until = models.DateField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "technician", "skill", name="technician_has_skill_once"
            ),
        ]

    def __str__(self) -> str:
        return str(self.skill)

    def is_valid_on(self, day: date) -> bool:
        """Tell whether it holds on that local day, the last one included."""
        return self.valid_until is None or day <= self.valid_until


class ShiftKind(models.TextChoices):
    """On-call shifts serve emergency services only."""

    REGULAR = "regular"
    ON_CALL = "on_call"


class WeeklyShift(models.Model):
    """A shift that returns each week, by the wall clock of its location.

    It may cross midnight: then `ends` is on the next day and not after `starts`.
    The location may be another branch than the technician's own.
    """

    technician = models.ForeignKey(
        Technician, models.CASCADE, related_name="weekly_shifts"
    )
    location = models.ForeignKey(Location, models.PROTECT, related_name="+")
    weekday = models.PositiveSmallIntegerField(choices=Weekday)
    starts = models.TimeField()
    ends = models.TimeField()
    kind = models.CharField(max_length=7, choices=ShiftKind, default=ShiftKind.REGULAR)
    valid_from = models.DateField(null=True, blank=True)
    valid_until = models.DateField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "technician",
                "weekday",
                "starts",
                "kind",
                "valid_from",
                name="weekly_shift_is_listed_once",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                name="weekly_shift_weekday_exists",
                condition=Q(weekday__range=(0, 6)),
            ),
            models.CheckConstraint(
                name="weekly_shift_ends_after_it_begins_to_hold",
                condition=Q(valid_from__isnull=True)
                | Q(valid_until__isnull=True)
                | Q(valid_until__gte=F("valid_from")),
            ),
        ]

    def __str__(self) -> str:
        day = Weekday(self.weekday).label
        return f"{day} {self.starts:%H:%M}-{self.ends:%H:%M}"


class ShiftException(models.Model):
    """One day on which other hours hold than the weekly ones, or none at all.

    A row without times means: off. Rows with times replace the day's weekly shifts
    of every kind; several rows make several shifts.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    technician = models.ForeignKey(
        Technician, models.CASCADE, related_name="shift_exceptions"
    )
    date = models.DateField()
    location = models.ForeignKey(
        Location, models.PROTECT, null=True, blank=True, related_name="+"
    )
    starts = models.TimeField(null=True, blank=True)
    ends = models.TimeField(null=True, blank=True)
    kind = models.CharField(max_length=7, choices=ShiftKind, default=ShiftKind.REGULAR)
    reason = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "technician",
                "date",
                "starts",
                name="shift_exception_is_listed_once",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                name="shift_exception_is_off_or_whole",
                condition=Q(
                    starts__isnull=True, ends__isnull=True, location__isnull=True
                )
                | Q(starts__isnull=False, ends__isnull=False, location__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        if self.starts is None or self.ends is None:
            return f"{self.date} off"
        return f"{self.date} {self.starts:%H:%M}-{self.ends:%H:%M}"


class TimeOffQuerySet(models.QuerySet["TimeOff"]):
    """Absences."""

    def overlapping(self, starts_at: object, ends_at: object) -> "TimeOffQuerySet":
        return self.filter(starts_at__lt=ends_at, ends_at__gt=starts_at)


class TimeOff(TimeStamped):
    """An absence in [starts_at, ends_at). It beats every shift."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    technician = models.ForeignKey(Technician, models.CASCADE, related_name="time_offs")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    reason = models.CharField(max_length=200, blank=True)

    objects = TimeOffQuerySet.as_manager()

    class Meta:
        verbose_name = "time-off"
        constraints = [
            models.CheckConstraint(
                name="time_off_ends_after_start",
                condition=Q(ends_at__gt=F("starts_at")),
            ),
        ]
        indexes = [
            models.Index(
                "technician", "ends_at", "starts_at", name="time_off_by_technician"
            )
        ]

    def __str__(self) -> str:
        return f"{self.starts_at:%Y-%m-%d %H:%M} - {self.ends_at:%Y-%m-%d %H:%M}"

"""Maintenance plans: visits that return each year, and what became of each."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q, Value

from appointments.models.services import Service
from appointments.models.visits import Appointment
from appointments.rules.plans import (
    WAITING,
    MonthDay,
    OccurrenceState,
    PlanState,
    Season,
    Tolerance,
)
from core.actors import Actor, Role
from core.ids import uuid7
from core.models import Location, TimeStamped, Versioned
from core.models.company import Weekday
from leads.models import Customer, Property
from technicians.models import Technician

PLAN_STATES = [(state.value, state.value) for state in PlanState]
OCCURRENCE_STATES = [(state.value, state.value) for state in OccurrenceState]
TOLERANCES = [
    (Tolerance.EXACT.value, "only the wished weekday and time"),
    (Tolerance.SAME_TIME.value, "the wished time on any day"),
    (Tolerance.ANY.value, "any time within the period"),
]

# A visit that came to nothing, said by its reason: somebody should decide anew.
FELL_THROUGH = ("visit_cancelled", "visit_no_show", "visit_incomplete")
_NEEDS_A_HAND = Q(state="conflict") | Q(state="skipped", reason__in=FELL_THROUGH)


class MaintenancePlanQuerySet(models.QuerySet["MaintenancePlan"]):
    """Plans."""

    def visible_to(self, actor: Actor) -> "MaintenancePlanQuerySet":
        """Return those of the actor's branches; they are the office's business."""
        if actor.role in {Role.TECHNICIAN, Role.ANONYMOUS}:
            return self.none()
        if actor.location_ids is None:
            return self
        return self.filter(location__in=actor.location_ids)

    def needing_attention(self) -> "MaintenancePlanQuerySet":
        """Return those that wait for a dispatcher."""
        waiting = PlanOccurrence.objects.needing_attention()
        return self.filter(pk__in=waiting.values("plan"))


class MaintenancePlan(TimeStamped, Versioned):
    """An agreement to look after something at an address some times a year.

    Whoever changes a plan, or an occurrence of it, holds the lock of the plan's row.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    reference = models.CharField(max_length=12, unique=True, editable=False)
    location = models.ForeignKey(Location, models.PROTECT, related_name="+")
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="plans")
    property = models.ForeignKey(Property, models.PROTECT, related_name="plans")
    service = models.ForeignKey(Service, models.PROTECT, related_name="plans")
    technician = models.ForeignKey(
        Technician, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    state = models.CharField(
        max_length=6, choices=PLAN_STATES, default=PlanState.ACTIVE
    )
    tolerance = models.CharField(
        max_length=9, choices=TOLERANCES, default=Tolerance.ANY
    )
    valid_from = models.DateField()
    valid_until = models.DateField(null=True, blank=True)
    notes = models.TextField(max_length=4000, blank=True)

    objects = MaintenancePlanQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="plan_state_is_known",
                condition=Q(state__in=[state.value for state in PlanState]),
            ),
            models.CheckConstraint(
                name="plan_is_valid_for_some_time",
                condition=Q(valid_until__isnull=True)
                | Q(valid_until__gte=F("valid_from")),
            ),
        ]
        indexes = [
            models.Index("location", "created_at", "id", name="plan_by_location"),
        ]

    def __str__(self) -> str:
        return self.reference


class PlanSeason(models.Model):
    """A visit that each year brings; see `appointments.rules.plans.Season`."""

    plan = models.ForeignKey(MaintenancePlan, models.CASCADE, related_name="seasons")
    key = models.SlugField("season", max_length=20, db_index=False)
    first_month = models.PositiveSmallIntegerField()
    first_day = models.PositiveSmallIntegerField()
    last_month = models.PositiveSmallIntegerField()
    last_day = models.PositiveSmallIntegerField()
    weekday = models.PositiveSmallIntegerField(choices=Weekday, null=True, blank=True)
    starts = models.TimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint("plan", "key", name="plan_season_is_listed_once"),
            models.CheckConstraint(
                name="plan_season_has_days_of_the_year",
                condition=Q(
                    first_month__range=(1, 12),
                    last_month__range=(1, 12),
                    first_day__range=(1, 31),
                    last_day__range=(1, 31),
                ),
            ),
            models.CheckConstraint(
                name="plan_season_weekday_exists",
                condition=Q(weekday__isnull=True) | Q(weekday__range=(0, 6)),
            ),
        ]

    def __str__(self) -> str:
        return self.key

    @property
    def rule(self) -> Season:
        """The season as the rules know it."""
        return Season(
            key=self.key,
            first=MonthDay(self.first_month, self.first_day),
            last=MonthDay(self.last_month, self.last_day),
            weekday=self.weekday,
            starts=self.starts,
        )


class _Days(Func):
    """The days of a period, as a range."""

    function = "daterange"
    output_field = DateRangeField()


class PlanOccurrenceQuerySet(models.QuerySet["PlanOccurrence"]):
    """Occurrences."""

    def waiting(self) -> "PlanOccurrenceQuerySet":
        """Return those of active plans that no visit is booked for yet."""
        return self.filter(state__in=WAITING, plan__state=PlanState.ACTIVE)

    def needing_attention(self) -> "PlanOccurrenceQuerySet":
        """Return those that wait for a dispatcher, until their plan ends.

        No time could be found, or the visit that was booked came to nothing.
        """
        return self.filter(_NEEDS_A_HAND, plan__state=PlanState.ACTIVE)


class PlanOccurrence(TimeStamped, Versioned):
    """One period of a plan, such as 2027-spring: the visit that is due in it.

    It keeps the wish of its season as it was when it was opened. `reason` is a code:
    why no time could be found, or why it was skipped; `alternatives` are starts that
    were on offer but beyond the plan's tolerance. Days are local to the branch.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    plan = models.ForeignKey(
        MaintenancePlan, models.CASCADE, related_name="occurrences"
    )
    period = models.CharField(max_length=30)
    first_day = models.DateField()
    last_day = models.DateField()
    weekday = models.PositiveSmallIntegerField(choices=Weekday, null=True, blank=True)
    starts = models.TimeField()
    state = models.CharField(
        max_length=8, choices=OCCURRENCE_STATES, default=OccurrenceState.DUE
    )
    reason = models.CharField(max_length=30, blank=True)
    note = models.CharField(max_length=500, blank=True)
    alternatives = models.JSONField(default=list, blank=True)
    tried_at = models.DateTimeField(null=True, blank=True)
    appointment = models.OneToOneField(
        Appointment,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="plan_occurrence",
    )

    objects = PlanOccurrenceQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "plan", "period", name="plan_period_is_opened_once"
            ),
            # Whatever its seasons are called by now: two visits never share a day.
            ExclusionConstraint(
                name="plan_periods_do_not_overlap",
                expressions=[
                    ("plan", RangeOperators.EQUAL),
                    (
                        _Days("first_day", "last_day", Value("[]")),
                        RangeOperators.OVERLAPS,
                    ),
                ],
            ),
            models.CheckConstraint(
                name="plan_period_has_days",
                condition=Q(last_day__gte=F("first_day")),
            ),
            models.CheckConstraint(
                name="plan_occurrence_state_is_known",
                condition=Q(state__in=[state.value for state in OccurrenceState]),
            ),
            models.CheckConstraint(
                name="plan_occurrence_booked_has_a_visit",
                condition=Q(
                    state__in=[OccurrenceState.BOOKED, OccurrenceState.DONE],
                    appointment__isnull=False,
                )
                | Q(
                    state__in=[OccurrenceState.DUE, OccurrenceState.CONFLICT],
                    appointment__isnull=True,
                )
                | Q(state=OccurrenceState.SKIPPED),
            ),
            models.CheckConstraint(
                name="plan_occurrence_unbooked_has_a_reason",
                condition=~Q(state__in=["conflict", "skipped"]) | ~Q(reason=""),
            ),
        ]
        indexes = [
            models.Index(
                F("tried_at").asc(nulls_first=True),
                "first_day",
                name="plan_occurrence_waiting",
                condition=Q(state__in=["due", "conflict"]),
            ),
            # The sidebar counts these on every page.
            models.Index(
                "plan", name="plan_occurrence_attention", condition=_NEEDS_A_HAND
            ),
        ]

    def __str__(self) -> str:
        return self.period

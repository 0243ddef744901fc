"""Visits, and who is on them."""

from typing import Any

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import Deferrable, Exists, F, Func, OuterRef, Q

from appointments.models.holds import Hold
from appointments.models.services import Service
from appointments.rules.states import OPEN, Status, Step
from core.actors import Actor
from core.ids import uuid7
from core.intervals import Interval
from core.models import Location, TimeStamped, Versioned, Zone
from leads.models import Customer, Lead, Property
from technicians.models import Technician


def _choices(names: Any) -> list[tuple[str, str]]:
    return [(name.value, name.value.replace("_", " ")) for name in names]


STATUS_CHOICES = _choices(Status)
STEP_CHOICES = _choices(Step)


class AppointmentQuerySet(models.QuerySet["Appointment"]):
    """Visits."""

    def visible_to(self, actor: Actor) -> "AppointmentQuerySet":
        """Return those of the actor's branches; a technician sees his own."""
        if actor.technician_id is not None:
            own = Assignment.objects.on_the_visit().filter(
                appointment=OuterRef("pk"), technician=actor.technician_id
            )
            return self.filter(Exists(own))
        if actor.location_ids is None:
            return self
        return self.filter(location__in=actor.location_ids)

    def open(self) -> "AppointmentQuerySet":
        """Return those that are still to be done."""
        return self.filter(status__in=OPEN)

    def unassigned(self) -> "AppointmentQuerySet":
        """Return open visits that nobody is on."""
        taken = Assignment.objects.filter(appointment=OuterRef("pk"), released_at=None)
        return self.open().filter(~Exists(taken))


class Appointment(TimeStamped, Versioned):
    """One visit.

    [window_starts_at, window_ends_at) is the promise: when the technician arrives.
    [starts_at, ends_at) is the plan: when the work is done. Only the plan uses a
    technician's time. A visit booked by exact start promises just that minute.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    reference = models.CharField(max_length=12, unique=True, editable=False)
    # Indexes of `Meta` begin with the branch and with the customer.
    location = models.ForeignKey(
        Location, models.PROTECT, related_name="appointments", db_index=False
    )
    # Where caps count it: the zone that the address lay in when it was booked.
    zone = models.ForeignKey(
        Zone, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    service = models.ForeignKey(Service, models.PROTECT, related_name="appointments")
    customer = models.ForeignKey(
        Customer, models.PROTECT, related_name="appointments", db_index=False
    )
    property = models.ForeignKey(Property, models.PROTECT, related_name="appointments")
    lead = models.OneToOneField(
        Lead, models.PROTECT, null=True, blank=True, related_name="appointment"
    )
    status = models.CharField(
        max_length=10, choices=STATUS_CHOICES, default=Status.SCHEDULED
    )
    window_starts_at = models.DateTimeField()
    window_ends_at = models.DateTimeField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    # Empty: as long as the service says.
    work_minutes = models.PositiveSmallIntegerField(null=True, blank=True)
    sequence = models.PositiveIntegerField(default=0)
    price_cents = models.PositiveIntegerField(default=0)
    currency = models.CharField(max_length=3, default="USD")
    source = models.SlugField(max_length=40, default="staff", db_index=False)
    notes = models.TextField(max_length=4000, blank=True)
    cancellation_reason = models.CharField(max_length=500, blank=True)

    objects = AppointmentQuerySet.as_manager()

    class Meta:
        verbose_name = "visit"
        constraints = [
            models.CheckConstraint(
                name="appointment_ends_after_start",
                condition=Q(ends_at__gt=F("starts_at")),
            ),
            models.CheckConstraint(
                name="appointment_work_takes_time", condition=Q(work_minutes__gte=5)
            ),
            models.CheckConstraint(
                name="appointment_starts_within_its_window",
                condition=Q(starts_at__gte=F("window_starts_at"))
                & Q(starts_at__lt=F("window_ends_at")),
            ),
            models.CheckConstraint(
                name="appointment_status_is_known",
                condition=Q(status__in=[status.value for status in Status]),
            ),
            models.CheckConstraint(
                name="appointment_cancelled_has_a_reason",
                condition=~Q(status=Status.CANCELLED) | ~Q(cancellation_reason=""),
            ),
        ]
        indexes = [
            models.Index("location", "starts_at", "id", name="appointment_by_location"),
            models.Index("starts_at", "id", name="appointment_by_start"),
            models.Index(
                "customer", F("starts_at").desc(), name="appointment_by_customer"
            ),
        ]

    def __str__(self) -> str:
        return self.reference


class _Occupied(Func):
    """The range that a visit takes out of a technician's day, buffers included."""

    function = "tstzrange"
    output_field = DateTimeRangeField()


class AssignmentQuerySet(models.QuerySet["Assignment"]):
    """Technicians on visits."""

    def holding(self) -> "AssignmentQuerySet":
        """Return those that take a technician's time, holds included."""
        return self.filter(released_at=None)

    def on_the_visit(self) -> "AssignmentQuerySet":
        """Return those on a visit, but for whoever declined."""
        return self.exclude(status=Step.DECLINED).exclude(appointment=None)


class Assignment(TimeStamped):
    """One technician's time, taken by one visit, or kept by one hold.

    It takes [occupied_from, occupied_until), the work with its buffers, until
    `released_at` is set: by declining, by finishing, or by the end of the visit.
    Unassigning deletes the row. A hold takes the time until `held_until`, whether
    or not anybody clears it away. A visit split over days has one row a day, its
    `part` counted from 0. The coordinates are where the visit is; without them no
    travel is planned.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    appointment = models.ForeignKey(
        Appointment,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="assignments",
    )
    hold = models.ForeignKey(
        Hold, models.CASCADE, null=True, blank=True, related_name="assignments"
    )
    technician = models.ForeignKey(
        Technician, models.PROTECT, related_name="assignments", db_index=False
    )
    status = models.CharField(
        max_length=10, choices=STEP_CHOICES, default=Step.ASSIGNED
    )
    is_lead = models.BooleanField(default=True)
    part = models.PositiveSmallIntegerField(default=0)
    occupied_from = models.DateTimeField()
    occupied_until = models.DateTimeField()
    latitude = models.FloatField(null=True, blank=True)
    longitude = models.FloatField(null=True, blank=True)
    held_until = models.DateTimeField(null=True, blank=True)
    released_at = models.DateTimeField(null=True, blank=True)

    objects = AssignmentQuerySet.as_manager()

    class Meta:
        constraints = [
            ExclusionConstraint(
                name="technician_is_in_one_place",
                expressions=[
                    ("technician", RangeOperators.EQUAL),
                    (
                        _Occupied("occupied_from", "occupied_until"),
                        RangeOperators.OVERLAPS,
                    ),
                ],
                condition=Q(released_at__isnull=True),
                # Checked at once; only a swap of two visits puts it off.
                deferrable=Deferrable.IMMEDIATE,
            ),
            models.UniqueConstraint(
                "appointment",
                "technician",
                "part",
                name="technician_is_on_a_visit_once",
                condition=Q(released_at__isnull=True),
            ),
            models.UniqueConstraint(
                "appointment",
                "part",
                name="visit_has_one_lead_technician",
                condition=Q(released_at__isnull=True, is_lead=True),
            ),
            models.CheckConstraint(
                name="assignment_is_of_a_visit_or_a_hold",
                condition=Q(
                    appointment__isnull=False,
                    hold__isnull=True,
                    held_until__isnull=True,
                )
                | Q(
                    appointment__isnull=True,
                    hold__isnull=False,
                    held_until__isnull=False,
                ),
            ),
            models.CheckConstraint(
                name="assignment_occupies_time",
                condition=Q(occupied_until__gt=F("occupied_from")),
            ),
            models.CheckConstraint(
                name="assignment_ended_is_released",
                condition=~Q(status__in=[Step.DECLINED, Step.DONE])
                | Q(released_at__isnull=False),
            ),
        ]
        indexes = [
            models.Index(
                "technician", "occupied_from", name="assignment_by_technician"
            ),
            models.Index(
                "technician",
                "held_until",
                name="assignment_held",
                condition=Q(hold__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.technician_id} on {self.appointment_id or self.hold_id}"

    @property
    def visit(self) -> Appointment:
        """The visit of a row that is no hold's: `on_the_visit` returns no other."""
        if self.appointment is None:
            raise TypeError("A hold has no visit.")
        return self.appointment

    @property
    def work(self) -> Interval:
        """The work that this row is for: the visit's, or its part on one day."""
        visit = self.visit
        return Interval(
            max(self.occupied_from, visit.starts_at),
            min(self.occupied_until, visit.ends_at),
        )

"""Questions about technicians and their time."""

from collections.abc import Collection
from datetime import date, datetime
from uuid import UUID

from django.db.models import Prefetch, QuerySet

from core.actors import Actor
from core.models import Location, Zone
from technicians.models import (
    ShiftException,
    Technician,
    TechnicianQuerySet,
    TechnicianSkill,
    TimeOff,
    WeeklyShift,
)
from technicians.rules.shifts import (
    ShiftInterval,
    ShiftOverride,
    ShiftRule,
    expand_shifts,
)


def technicians_with_skills(*, actor: Actor) -> TechnicianQuerySet:
    """Return the technicians that the actor may see, with all an answer shows."""
    skills = TechnicianSkill.objects.select_related("skill").order_by("skill__code")
    return Technician.objects.visible_to(actor).prefetch_related(
        Prefetch("technician_skills", skills),
        Prefetch("zones", Zone.objects.order_by("name", "id")),
    )


def shift_intervals(
    *, technician_ids: Collection[UUID], days: Collection[date]
) -> list[ShiftInterval]:
    """Return the shifts of these technicians that begin on these local days."""
    weekly = WeeklyShift.objects.filter(technician__in=technician_ids)
    exceptions = ShiftException.objects.filter(
        technician__in=technician_ids, date__in=days
    )
    return expand_shifts(
        weekly=[
            ShiftRule(
                technician_id=row.technician_id,
                location_id=row.location_id,
                weekday=row.weekday,
                starts=row.starts,
                ends=row.ends,
                kind=row.kind,
                valid_from=row.valid_from,
                valid_until=row.valid_until,
            )
            for row in weekly
        ],
        exceptions=[
            ShiftOverride(
                technician_id=row.technician_id,
                date=row.date,
                location_id=row.location_id,
                starts=row.starts,
                ends=row.ends,
                kind=row.kind,
            )
            for row in exceptions
        ],
        days=days,
        zones={row.pk: row.time_zone for row in Location.objects.all()},
    )


def time_off_between(
    *, technician_ids: Collection[UUID], starts_at: datetime, ends_at: datetime
) -> QuerySet[TimeOff]:
    """Return the absences of these technicians that touch [starts_at, ends_at)."""
    return (
        TimeOff.objects.filter(technician__in=technician_ids)
        .overlapping(starts_at, ends_at)
        .order_by("starts_at")
    )

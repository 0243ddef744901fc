"""Questions about visits."""

from datetime import datetime
from uuid import UUID

from django.db.models import Prefetch, QuerySet

from appointments.models import Appointment, Assignment
from appointments.models.visits import AppointmentQuerySet
from core.actors import Actor
from core.models import Event


def visits_with_people(*, actor: Actor) -> AppointmentQuerySet:
    """Return the visits that the actor may see, with all that an answer shows."""
    on_it = (
        Assignment.objects.on_the_visit().filter(part=0).select_related("technician")
    )
    return (
        Appointment.objects.visible_to(actor)
        .select_related("location", "service", "customer", "property")
        .prefetch_related(
            Prefetch(
                "assignments",
                queryset=on_it.order_by("-is_lead", "created_at"),
                to_attr="crew",
            )
        )
    )


def history_of(*, appointment_id: UUID) -> QuerySet[Event]:
    """Return a visit's events, oldest first."""
    return Event.objects.of("appointment", appointment_id)


def visits_of_technician(
    *, technician_id: UUID, starts_at: datetime, ends_at: datetime
) -> QuerySet[Assignment]:
    """Return what a technician is on in [starts_at, ends_at), in order."""
    return (
        Assignment.objects.on_the_visit()
        .filter(
            technician=technician_id,
            occupied_from__lt=ends_at,
            occupied_until__gt=starts_at,
        )
        .select_related(
            "appointment__service",
            "appointment__customer",
            "appointment__property",
            "appointment__location",
        )
        .order_by("occupied_from")
    )

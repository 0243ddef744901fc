"""A property was located: the visits that are still to come are there, too."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from appointments.models import Appointment, Assignment
from appointments.services.locking import lock_technicians
from leads.models import Property


@transaction.atomic
def relocate_visits(*, property_id: UUID, now: datetime) -> int:
    """Have visits that are not over be where their property is now known to be.

    What is planned stays as it is, though the way to the next may now be too short:
    what is booked from now on keeps clear of it. Returns how many rows changed.
    """
    place = Property.objects.filter(pk=property_id).first()
    if place is None:
        return 0
    coming = Assignment.objects.filter(
        appointment__property=place, released_at__isnull=True, occupied_until__gt=now
    )
    # Visits before technicians, and both in order, as all others lock them.
    visits = Appointment.objects.select_for_update(no_key=True)
    ids = list(coming.values_list("appointment", flat=True))
    list(visits.filter(pk__in=ids).order_by("pk").values_list("pk"))
    lock_technicians(list(coming.values_list("technician", flat=True)))
    return coming.update(latitude=place.latitude, longitude=place.longitude)

"""Whether the packed days of technicians are what their assignments say."""

from datetime import date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet

from appointments.models import TechnicianDay

# Days gone by are not looked at any more, and may be gone. They are kept for as long
# as any zone of the world, or a visit that was begun before, could still ask for them.
KEPT_DAYS = 3


class Difference(NamedTuple):
    """A technician's day that is missing, or is not what the assignments say."""

    technician_id: UUID
    day: date
    is_missing: bool


def oldest_kept(now: datetime) -> date:
    """Return the first UTC day that must be there."""
    return now.date() - timedelta(days=KEPT_DAYS)


def days_gone_by(now: datetime) -> QuerySet[TechnicianDay]:
    """Return the days that nobody asks for any more."""
    return TechnicianDay.objects.filter(day__lt=oldest_kept(now))


def days_in_use(since: date) -> list[date]:
    """Return the UTC days from `since` on that are taken by somebody, or packed."""
    with connection.cursor() as cursor:
        cursor.execute(_IN_USE, {"since": since})
        return [day for (day,) in cursor.fetchall()]


def differing_on(day: date) -> list[Difference]:
    """Return whose day differs from the assignments.

    One statement, so it sees one moment: bookings that go on beside it come whole,
    with their packed days, or not at all.
    """
    with connection.cursor() as cursor:
        cursor.execute(_DIFFERING, {"day": day})
        return [Difference(who, day, missing) for who, missing in cursor.fetchall()]


# Which days an assignment touches is said anew here, not asked of the trigger's own
# function: both would have to be wrong.
_IN_USE = """
    SELECT day FROM appointments_technicianday WHERE day >= %(since)s
    UNION
    SELECT touched::date FROM appointments_assignment, generate_series(
        greatest(
            date_trunc('day', occupied_from AT TIME ZONE 'UTC'), %(since)s::timestamp
        ),
        occupied_until AT TIME ZONE 'UTC' - interval '1 microsecond',
        interval '1 day'
    ) AS touched
    WHERE released_at IS NULL
    ORDER BY 1
"""
_DIFFERING = """
    WITH bounds AS (
        SELECT %(day)s::date::timestamp AT TIME ZONE 'UTC' AS opens,
               (%(day)s::date + 1)::timestamp AT TIME ZONE 'UTC' AS closes
    ), packed AS (
        SELECT technician_id, stops FROM appointments_technicianday WHERE day = %(day)s
    ), taken AS (
        SELECT DISTINCT technician_id FROM appointments_assignment, bounds
        WHERE released_at IS NULL AND occupied_from < closes AND occupied_until > opens
    )
    SELECT technician_id, packed.stops IS NULL
    FROM packed FULL JOIN taken USING (technician_id)
    WHERE packed.stops IS DISTINCT FROM stops_of_technician_day(technician_id, %(day)s)
    ORDER BY technician_id
"""

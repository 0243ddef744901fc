"""A property, with all that a booking there begins with: one query."""

from datetime import date
from uuid import UUID

from django.db import connection

from appointments.models import PreferenceKind
from appointments.selectors.roster import roster_of
from appointments.selectors.wishes import Known
from leads.models import Property

_FIELDS = Property._meta.concrete_fields
_ADDRESS = f"""
    SELECT roster.version, likes.preferred, likes.barred,
           {", ".join(f"place.{field.column}" for field in _FIELDS)}
    FROM (SELECT (SELECT version FROM appointments_rosterversion)) AS roster (version)
    LEFT JOIN leads_property AS place ON place.id = %s
    LEFT JOIN LATERAL (
        SELECT array_agg(technician_id) FILTER (
                   WHERE kind = '{PreferenceKind.PREFERRED.value}') AS preferred,
               array_agg(technician_id) FILTER (
                   WHERE kind = '{PreferenceKind.BARRED.value}') AS barred
        FROM appointments_technicianpreference AS liking
        WHERE liking.customer_id = place.customer_id
    ) AS likes ON true
"""  # noqa: S608  # names of our own


def address_of(property_id: UUID, *, today: date) -> tuple[Property | None, Known]:
    """Return the property, if it is there, and what a wish there is made from.

    All as of one moment, and for the price of one question: each booking asks it.
    """
    with connection.cursor() as cursor:
        cursor.execute(_ADDRESS, [property_id])
        version, preferred, barred, *values = cursor.fetchone()
    known = Known(
        roster=roster_of(version, day=today),
        preferred=frozenset(preferred or ()),
        barred=frozenset(barred or ()),
    )
    if values[0] is None:
        return None, known
    names = [field.attname for field in _FIELDS]
    return Property.from_db(connection.alias, names, values), known

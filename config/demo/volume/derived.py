"""What the database's triggers would have kept while the tables were filled.

They count row by row, which takes hours for millions of rows and no index; once all
rows are there, each of these is one statement.
"""

from django.db import connection

from config.progress import Progress

_PLACES = """
    UPDATE appointments_assignment AS crew
    SET latitude = place.latitude, longitude = place.longitude
    FROM appointments_appointment AS visit
    JOIN leads_property AS place ON place.id = visit.property_id
    WHERE crew.appointment_id = visit.id AND crew.released_at IS NULL
      AND crew.latitude IS NULL AND place.latitude IS NOT NULL
"""
_ZONES = """
    UPDATE appointments_appointment AS visit SET zone_id = zip.zone_id
    FROM leads_property AS place, core_zonezip AS zip
    JOIN core_zone AS zone ON zone.id = zip.zone_id
    WHERE place.id = visit.property_id AND visit.zone_id IS NULL
      AND zip.postal_code = left(place.postal_code, 5)
      AND zone.location_id = visit.location_id
      AND visit.status = 'scheduled'
"""
_TECHNICIAN_DAYS = """
    SELECT count(refresh_technician_day(technician_id, day)::text) FROM (
        SELECT DISTINCT technician_id,
               days_touched(occupied_from, occupied_until) AS day
        FROM appointments_assignment WHERE released_at IS NULL ORDER BY 1, 2
    ) AS touched
"""
_BRANCH_DAYS = """
    INSERT INTO appointments_branchday (
        location_id, day, status, currency,
        visits, unassigned, price_cents, planned_minutes, worked_minutes
    )
    SELECT location_id, day, status, currency,
           visits, unassigned, price_cents, planned_minutes, worked_minutes
    FROM missing_branch_days(NULL)
"""
_STATEMENTS = (_PLACES, _ZONES, _TECHNICIAN_DAYS, _BRANCH_DAYS)


def derive(*, progress: Progress) -> None:
    """Bring up to date what derives from visits. No trigger must be at it."""
    step = progress.step("Places and accounts", total=len(_STATEMENTS))
    with step as bar, connection.cursor() as cursor:
        for statement in _STATEMENTS:
            cursor.execute(statement)
            bar.advance()

"""The function that a booking locks technicians and looks at their days with."""

from django.db import migrations

# A statement sees what was committed when it began; one that waits for a lock does
# not see what its holder wrote. So locking and looking are two statements, and a
# function that is volatile runs them in one round trip.
LOOK_UNDER_LOCK = """
CREATE FUNCTION look_under_lock(
    of_technicians uuid[], as_well uuid[], first_day date, last_day date,
    at timestamptz, waits boolean
) RETURNS TABLE (version uuid, technician_id uuid, stops bytea)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    everybody uuid[] := of_technicians || as_well;
    locked int;
BEGIN
    IF waits THEN
        PERFORM FROM technicians_technician WHERE id = ANY(everybody)
            ORDER BY id FOR NO KEY UPDATE;
    ELSE
        PERFORM FROM technicians_technician WHERE id = ANY(everybody)
            ORDER BY id FOR NO KEY UPDATE SKIP LOCKED;
    END IF;
    GET DIAGNOSTICS locked = ROW_COUNT;
    IF locked < (SELECT count(DISTINCT one) FROM unnest(everybody) AS one) THEN
        RETURN;
    END IF;
    IF EXISTS (
        SELECT FROM appointments_assignment AS held
        WHERE held.technician_id = ANY(of_technicians) AND hold_id IS NOT NULL
          AND held_until <= at
    ) THEN
        DELETE FROM appointments_assignment AS held
        WHERE held.technician_id = ANY(of_technicians) AND hold_id IS NOT NULL
          AND held_until <= at;
    END IF;
    RETURN QUERY
        SELECT roster.version, one.technician_id, one.stops
        FROM (SELECT (SELECT now.version FROM appointments_rosterversion AS now))
            AS roster (version)
        LEFT JOIN appointments_technicianday AS one
            ON one.technician_id = ANY(of_technicians)
           AND day BETWEEN first_day AND last_day AND one.stops <> ''
        ORDER BY one.technician_id, day;
END
$$;
"""


class Migration(migrations.Migration):
    dependencies = [("appointments", "0009_whole_records")]

    operations = [
        migrations.RunSQL(
            LOOK_UNDER_LOCK,
            "DROP FUNCTION look_under_lock("
            "uuid[], uuid[], date, date, timestamptz, boolean)",
        ),
    ]

"""The triggers that keep technician days and the roster's version (ADR 10)."""

from django.db import migrations

# What the roster is read from (appointments/selectors/roster.py).
ROSTER_TABLES = (
    "core_location",
    "core_openinghours",
    "core_holiday",
    "core_zone",
    "core_zonezip",
    "technicians_technician",
    "technicians_technician_zones",
    "technicians_technicianskill",
    "technicians_weeklyshift",
    "technicians_shiftexception",
    "technicians_timeoff",
    "appointments_service",
    "appointments_service_skills",
    "appointments_cap",
)

# Big-endian: from and until in minutes since 1970 (rounded outwards), where in
# millionths of a degree, held until in microseconds, and whose: visit or hold.
PACKED = """
    SELECT string_agg(
        int4send(floor(extract(epoch FROM occupied_from) / 60)::int)
        || int4send(ceil(extract(epoch FROM occupied_until) / 60)::int)
        || int4send(coalesce(round(latitude * 1000000)::int, (-2147483648)::int))
        || int4send(coalesce(round(longitude * 1000000)::int, (-2147483648)::int))
        || int8send(coalesce((extract(epoch FROM held_until) * 1000000)::bigint, 0))
        || uuid_send(coalesce(appointment_id, hold_id)),
        ''::bytea ORDER BY occupied_from
    )
    FROM appointments_assignment
    WHERE technician_id = of_technician AND released_at IS NULL
      AND tstzrange(occupied_from, occupied_until) && tstzrange(
        of_day::timestamp AT TIME ZONE 'UTC',
        (of_day + 1)::timestamp AT TIME ZONE 'UTC'
      )
"""

TECHNICIAN_DAYS = f"""
CREATE FUNCTION stops_of_technician_day(of_technician uuid, of_day date)
RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT coalesce(({PACKED}), ''::bytea)
$$;

-- The row is locked before it is computed, so whoever comes second sees the first.
CREATE FUNCTION refresh_technician_day(of_technician uuid, of_day date)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM appointments_technicianday
        WHERE technician_id = of_technician AND day = of_day FOR UPDATE;
    IF NOT FOUND THEN
        INSERT INTO appointments_technicianday (technician_id, day, version, stops)
        VALUES (of_technician, of_day, 0, ''::bytea)
        ON CONFLICT (technician_id, day)
        DO UPDATE SET version = appointments_technicianday.version;
    END IF;
    UPDATE appointments_technicianday
    SET version = version + 1, stops = stops_of_technician_day(of_technician, of_day)
    WHERE technician_id = of_technician AND day = of_day;
END
$$;

CREATE FUNCTION days_touched(occupied_from timestamptz, occupied_until timestamptz)
RETURNS SETOF date LANGUAGE sql IMMUTABLE AS $$
    SELECT first + n FROM (
        SELECT (occupied_from AT TIME ZONE 'UTC')::date AS first,
               (occupied_until AT TIME ZONE 'UTC' - interval '1 microsecond')::date
                   AS last
    ) AS span, generate_series(0, last - first) AS n
$$;

CREATE FUNCTION assignments_written() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    touched record;
BEGIN
    IF TG_OP = 'INSERT' THEN
        FOR touched IN
            SELECT DISTINCT technician_id, days_touched(occupied_from, occupied_until)
                AS day
            FROM fresh WHERE released_at IS NULL ORDER BY 1, 2
        LOOP
            PERFORM refresh_technician_day(touched.technician_id, touched.day);
        END LOOP;
    ELSIF TG_OP = 'DELETE' THEN
        FOR touched IN
            SELECT DISTINCT technician_id, days_touched(occupied_from, occupied_until)
                AS day
            FROM stale WHERE released_at IS NULL ORDER BY 1, 2
        LOOP
            PERFORM refresh_technician_day(touched.technician_id, touched.day);
        END LOOP;
    ELSE
        -- A technician's steps change nothing here, so they cost nothing here.
        FOR touched IN
            WITH changed AS (
                SELECT stale AS was, fresh AS is_now
                FROM stale JOIN fresh USING (id)
                WHERE (stale.technician_id, stale.occupied_from,
                       stale.occupied_until, stale.released_at IS NULL,
                       stale.latitude, stale.longitude, stale.held_until,
                       stale.appointment_id, stale.hold_id)
                    IS DISTINCT FROM
                      (fresh.technician_id, fresh.occupied_from,
                       fresh.occupied_until, fresh.released_at IS NULL,
                       fresh.latitude, fresh.longitude, fresh.held_until,
                       fresh.appointment_id, fresh.hold_id)
            )
            SELECT (was).technician_id,
                   days_touched((was).occupied_from, (was).occupied_until) AS day
            FROM changed WHERE (was).released_at IS NULL
            UNION
            SELECT (is_now).technician_id,
                   days_touched((is_now).occupied_from, (is_now).occupied_until)
            FROM changed WHERE (is_now).released_at IS NULL
            ORDER BY 1, 2
        LOOP
            PERFORM refresh_technician_day(touched.technician_id, touched.day);
        END LOOP;
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER technician_days_follow_insert
    AFTER INSERT ON appointments_assignment REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION assignments_written();
CREATE TRIGGER technician_days_follow_update
    AFTER UPDATE ON appointments_assignment
    REFERENCING OLD TABLE AS stale NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION assignments_written();
CREATE TRIGGER technician_days_follow_delete
    AFTER DELETE ON appointments_assignment REFERENCING OLD TABLE AS stale
    FOR EACH STATEMENT EXECUTE FUNCTION assignments_written();
"""

NO_TECHNICIAN_DAYS = """
DROP TRIGGER technician_days_follow_insert ON appointments_assignment;
DROP TRIGGER technician_days_follow_update ON appointments_assignment;
DROP TRIGGER technician_days_follow_delete ON appointments_assignment;
DROP FUNCTION assignments_written();
DROP FUNCTION days_touched(timestamptz, timestamptz);
DROP FUNCTION refresh_technician_day(uuid, date);
DROP FUNCTION stops_of_technician_day(uuid, date);
"""

ROSTER_VERSION = """
CREATE FUNCTION roster_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO appointments_rosterversion (id, version)
    VALUES (1, gen_random_uuid())
    ON CONFLICT (id) DO UPDATE SET version = excluded.version;
    RETURN NULL;
END
$$;
INSERT INTO appointments_rosterversion (id, version) VALUES (1, gen_random_uuid());
""" + "".join(
    f"CREATE TRIGGER roster_follows_{table}"
    f" AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table}"
    f" FOR EACH STATEMENT EXECUTE FUNCTION roster_changed();\n"
    for table in ROSTER_TABLES
)

NO_ROSTER_VERSION = (
    "".join(
        f"DROP TRIGGER roster_follows_{table} ON {table};\n" for table in ROSTER_TABLES
    )
    + "DROP FUNCTION roster_changed();"
)

# Visits booked before these columns were there.
COORDINATES = """
UPDATE appointments_assignment AS row
SET latitude = place.latitude, longitude = place.longitude
FROM appointments_appointment AS visit
JOIN leads_property AS place ON place.id = visit.property_id
WHERE row.appointment_id = visit.id AND row.released_at IS NULL
  AND place.latitude IS NOT NULL;

UPDATE appointments_appointment AS visit
SET zone_id = zip.zone_id
FROM leads_property AS place, core_zonezip AS zip
JOIN core_zone AS zone ON zone.id = zip.zone_id
WHERE place.id = visit.property_id
  AND zip.postal_code = left(place.postal_code, 5)
  AND zone.location_id = visit.location_id
  AND visit.ends_at > now();

SELECT refresh_technician_day(technician_id, day) FROM (
    SELECT DISTINCT technician_id, days_touched(occupied_from, occupied_until) AS day
    FROM appointments_assignment WHERE released_at IS NULL ORDER BY 1, 2
) AS touched;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("appointments", "0002_slot_engine"),
        ("core", "0002_company_events_outbox"),
        ("technicians", "0001_initial"),
    ]

    operations = [
        migrations.RunSQL(TECHNICIAN_DAYS, NO_TECHNICIAN_DAYS),
        migrations.RunSQL(ROSTER_VERSION, NO_ROSTER_VERSION),
        migrations.RunSQL(COORDINATES, migrations.RunSQL.noop),
    ]

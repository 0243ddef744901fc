"""The triggers that keep the account of each branch's days (ADR 9).

Which statuses are open is `appointments.rules.states.OPEN`; a test holds the two
against each other.
"""

from django.db import migrations

# What an entry tells, beside which branch, day, status and currency.
FIGURES = ("visits", "unassigned", "price_cents", "planned_minutes", "worked_minutes")
COLUMNS = f"location_id, day, status, currency, {', '.join(FIGURES)}"
SUMS = ", ".join(f"sum({name}) AS {name}" for name in FIGURES)
ANY = " OR ".join(f"sum({name}) <> 0" for name in FIGURES)

# Of so many entries one has the writer fold the entries of its day.
BETWEEN_FOLDINGS = 128

WORDS = """
CREATE FUNCTION is_open_visit(status varchar)
RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT status IN ('held', 'requested', 'scheduled', 'dispatched', 'en_route',
                      'on_site', 'paused')
$$;
"""

NO_WORDS = "DROP FUNCTION is_open_visit(varchar);"

# Folding puts one entry in the place of many. Where somebody else is at it, he does
# it, so nobody waits; what is not committed yet is not seen, and stays.
ENTRIES = f"""
CREATE FUNCTION fold_branch_day(of_location uuid, of_day date)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF NOT pg_try_advisory_xact_lock(
        hashtext(of_location::text), of_day - date '2000-01-01'
    ) THEN
        RETURN;
    END IF;
    WITH folded AS (
        DELETE FROM appointments_branchday
        WHERE location_id = of_location AND day = of_day
        RETURNING *
    )
    INSERT INTO appointments_branchday ({COLUMNS})
    SELECT location_id, day, status, currency, {SUMS} FROM folded
    GROUP BY location_id, day, status, currency HAVING {ANY};
END
$$;

CREATE FUNCTION add_to_branch_day(
    of_location uuid, of_day date, of_status varchar, of_currency varchar,
    more_visits int, more_unassigned int, more_cents bigint,
    more_planned int, more_worked int
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    entry bigint;
BEGIN
    INSERT INTO appointments_branchday ({COLUMNS})
    VALUES (of_location, of_day, of_status, of_currency, more_visits,
            more_unassigned, more_cents, more_planned, more_worked)
    RETURNING id INTO entry;
    IF entry % {BETWEEN_FOLDINGS} = 0 THEN
        PERFORM fold_branch_day(of_location, of_day);
    END IF;
END
$$;
"""

NO_ENTRIES = """
DROP FUNCTION add_to_branch_day(
    uuid, date, varchar, varchar, int, int, bigint, int, int
);
DROP FUNCTION fold_branch_day(uuid, date);
"""


def minutes(row):
    """Return the whole minutes of technicians' time that an assignment takes."""
    taken = f"extract(epoch FROM {row}.occupied_until - {row}.occupied_from)"
    return f"floor({taken} / 60)::int"


def planned(row):
    return f"({row}.released_at IS NULL)::int * {minutes(row)}"


def worked(row):
    done = f"{row}.released_at IS NOT NULL AND {row}.status = 'done'"
    return f"({done})::int * {minutes(row)}"


# Row by row: most statements write one visit, and that costs least so.
VISITS = f"""
CREATE FUNCTION visit_written() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    zone text;
    crew bigint;
    is_free boolean;
BEGIN
    IF TG_OP = 'UPDATE' AND
        OLD.location_id = NEW.location_id AND OLD.starts_at = NEW.starts_at
        AND OLD.status = NEW.status AND OLD.currency = NEW.currency
        AND OLD.price_cents = NEW.price_cents
    THEN
        RETURN NULL;
    END IF;
    SELECT count(*), count(*) FILTER (WHERE released_at IS NULL) = 0
    INTO crew, is_free
    FROM appointments_assignment WHERE appointment_id = coalesce(NEW.id, OLD.id);
    IF TG_OP <> 'INSERT' THEN
        SELECT time_zone INTO zone FROM core_location WHERE id = OLD.location_id;
        PERFORM add_to_branch_day(
            OLD.location_id, (OLD.starts_at AT TIME ZONE zone)::date,
            OLD.status, OLD.currency,
            -1, -(is_free AND is_open_visit(OLD.status))::int, -OLD.price_cents, 0, 0
        );
    END IF;
    IF TG_OP <> 'DELETE' THEN
        SELECT time_zone INTO zone FROM core_location WHERE id = NEW.location_id;
        PERFORM add_to_branch_day(
            NEW.location_id, (NEW.starts_at AT TIME ZONE zone)::date,
            NEW.status, NEW.currency,
            1, (is_free AND is_open_visit(NEW.status))::int, NEW.price_cents, 0, 0
        );
    END IF;
    IF crew > 0 AND OLD.location_id IS DISTINCT FROM NEW.location_id THEN
        PERFORM add_to_branch_day(
            branch.id, (member.occupied_from AT TIME ZONE branch.time_zone)::date,
            '', '', 0, 0, 0,
            side.sign * {planned("member")}, side.sign * {worked("member")}
        )
        FROM appointments_assignment AS member,
             (VALUES (OLD.location_id, -1), (NEW.location_id, 1)) AS side (id, sign)
        JOIN core_location AS branch ON branch.id = side.id
        WHERE member.appointment_id = coalesce(NEW.id, OLD.id);
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER branch_days_follow AFTER INSERT OR UPDATE OR DELETE
    ON appointments_appointment FOR EACH ROW EXECUTE FUNCTION visit_written();
"""

NO_VISITS = """
DROP TRIGGER branch_days_follow ON appointments_appointment;
DROP FUNCTION visit_written();
"""

CAME = "SELECT *, 1 AS sign FROM fresh WHERE appointment_id IS NOT NULL"
WENT = "SELECT *, -1 AS sign FROM stale WHERE appointment_id IS NOT NULL"
# A technician's steps change nothing here until the last, so they cost little.
_DIFFERS = """(
    (stale.appointment_id, stale.occupied_from, stale.occupied_until,
     stale.released_at IS NULL, stale.status = 'done')
    IS DISTINCT FROM
    (fresh.appointment_id, fresh.occupied_from, fresh.occupied_until,
     fresh.released_at IS NULL, fresh.status = 'done')
)"""
CHANGED = f"""
    SELECT stale.*, -1 AS sign FROM stale JOIN fresh USING (id)
    WHERE stale.appointment_id IS NOT NULL AND {_DIFFERS}
    UNION ALL
    SELECT fresh.*, 1 AS sign FROM stale JOIN fresh USING (id)
    WHERE fresh.appointment_id IS NOT NULL AND {_DIFFERS}
"""


def on_assignments(name, changes):
    """Return the function that a statement on assignments runs.

    A statement at a time: whether a visit has anybody before and after it is a
    question about all of its rows together. The visit is locked before they are
    counted: two who put technicians on one visit at once would each believe to be the
    first. The services hold that lock anyway.
    """
    settling = """PERFORM count_crew(
                    of_visit, visit.location_id,
                    (visit.starts_at AT TIME ZONE visit.time_zone)::date,
                    visit.status, visit.currency, more
                );"""
    return f"""
CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    change record;
    visit record;
    of_visit uuid;
    more int;
BEGIN
    FOR change IN
        SELECT appointment_id, occupied_from,
               (released_at IS NULL)::int * sign AS more,
               {planned("member")} * sign AS planned,
               {worked("member")} * sign AS worked
        FROM ({changes}) AS member ORDER BY appointment_id
    LOOP
        IF change.appointment_id IS DISTINCT FROM of_visit THEN
            IF of_visit IS NOT NULL THEN
                {settling}
            END IF;
            of_visit := change.appointment_id;
            more := 0;
            SELECT location_id, starts_at, booked.status, currency, time_zone
            INTO visit
            FROM appointments_appointment AS booked
            JOIN core_location AS branch ON branch.id = location_id
            WHERE booked.id = of_visit FOR NO KEY UPDATE OF booked;
        END IF;
        more := more + change.more;
        -- A visit that is not there (yet, or any more) counts its crew itself.
        IF visit.location_id IS NOT NULL AND (change.planned, change.worked) <> (0, 0)
        THEN
            PERFORM add_to_branch_day(
                visit.location_id,
                (change.occupied_from AT TIME ZONE visit.time_zone)::date,
                '', '', 0, 0, 0, change.planned, change.worked
            );
        END IF;
    END LOOP;
    IF of_visit IS NOT NULL THEN
        {settling}
    END IF;
    RETURN NULL;
END
$$;
"""


ASSIGNMENTS = f"""
-- So many more technicians are on the visit now: were they the first, or the last?
CREATE FUNCTION count_crew(
    of_visit uuid, of_location uuid, of_day date, of_status varchar,
    of_currency varchar, more int
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    holding bigint;
BEGIN
    IF more = 0 OR is_open_visit(of_status) IS NOT TRUE THEN
        RETURN;
    END IF;
    SELECT count(*) INTO holding FROM appointments_assignment
        WHERE appointment_id = of_visit AND released_at IS NULL;
    IF (holding = 0) <> (holding = more) THEN
        PERFORM add_to_branch_day(
            of_location, of_day, of_status, of_currency,
            0, CASE holding WHEN 0 THEN 1 ELSE -1 END, 0, 0, 0
        );
    END IF;
END
$$;
{on_assignments("crew_came", CAME)}
{on_assignments("crew_changed", CHANGED)}
{on_assignments("crew_went", WENT)}

CREATE TRIGGER branch_days_follow_insert
    AFTER INSERT ON appointments_assignment REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION crew_came();
CREATE TRIGGER branch_days_follow_update
    AFTER UPDATE ON appointments_assignment
    REFERENCING OLD TABLE AS stale NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION crew_changed();
CREATE TRIGGER branch_days_follow_delete
    AFTER DELETE ON appointments_assignment REFERENCING OLD TABLE AS stale
    FOR EACH STATEMENT EXECUTE FUNCTION crew_went();
"""

NO_ASSIGNMENTS = """
DROP TRIGGER branch_days_follow_insert ON appointments_assignment;
DROP TRIGGER branch_days_follow_update ON appointments_assignment;
DROP TRIGGER branch_days_follow_delete ON appointments_assignment;
DROP FUNCTION crew_came();
DROP FUNCTION crew_changed();
DROP FUNCTION crew_went();
DROP FUNCTION count_crew(uuid, uuid, date, varchar, varchar, int);
"""

# What the account of a branch (null: of all) lacks: counted from the visits, less
# what is written. Entries themselves, so adding them makes it right, whoever writes
# meanwhile. A branch's day can be counted alone.
COUNTING = f"""
CREATE FUNCTION missing_branch_days(of_location uuid)
RETURNS TABLE (location_id uuid, day date, status varchar, currency varchar,
               visits bigint, unassigned bigint, price_cents numeric,
               planned_minutes bigint, worked_minutes bigint)
LANGUAGE sql STABLE ROWS 100 AS $$
    WITH taken AS MATERIALIZED (
        SELECT DISTINCT appointment_id FROM appointments_assignment
        WHERE released_at IS NULL AND appointment_id IS NOT NULL
    ), entry ({COLUMNS}) AS (
        SELECT visit.location_id, (visit.starts_at AT TIME ZONE branch.time_zone)::date,
               visit.status, visit.currency, 1,
               (is_open_visit(visit.status) AND taken.appointment_id IS NULL)::int,
               visit.price_cents, 0, 0
        FROM appointments_appointment AS visit
        JOIN core_location AS branch ON branch.id = visit.location_id
        LEFT JOIN taken ON taken.appointment_id = visit.id
        WHERE of_location IS NULL OR visit.location_id = of_location
        UNION ALL
        SELECT visit.location_id, (occupied_from AT TIME ZONE branch.time_zone)::date,
               '', '', 0, 0, 0, {planned("crew")}, {worked("crew")}
        FROM appointments_assignment AS crew
        JOIN appointments_appointment AS visit ON visit.id = crew.appointment_id
        JOIN core_location AS branch ON branch.id = visit.location_id
        WHERE of_location IS NULL OR visit.location_id = of_location
        UNION ALL
        SELECT written.location_id, written.day, written.status, written.currency,
               {", ".join(f"-written.{name}" for name in FIGURES)}
        FROM appointments_branchday AS written
        WHERE of_location IS NULL OR written.location_id = of_location
    )
    SELECT entry.location_id, entry.day, entry.status, entry.currency,
           {", ".join(f"sum(entry.{name})" for name in FIGURES)}
    FROM entry GROUP BY 1, 2, 3, 4
    HAVING {" OR ".join(f"sum(entry.{name}) <> 0" for name in FIGURES)}
$$;

-- One after the other: two who find the same missing would both add it.
CREATE FUNCTION correct_branch_days(of_location uuid)
RETURNS SETOF appointments_branchday LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('correct_branch_days', 0));
    RETURN QUERY
        INSERT INTO appointments_branchday ({COLUMNS})
        SELECT {COLUMNS} FROM missing_branch_days(of_location)
        RETURNING *;
END
$$;

-- A branch in another zone has other days. Whoever is writing visits is waited for:
-- he may have looked at the old zone.
CREATE FUNCTION branch_moved_zone() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    LOCK TABLE appointments_appointment, appointments_assignment IN SHARE MODE;
    PERFORM correct_branch_days(NEW.id);
    RETURN NULL;
END
$$;
CREATE TRIGGER branch_days_follow_zone AFTER UPDATE ON core_location
    FOR EACH ROW WHEN (OLD.time_zone IS DISTINCT FROM NEW.time_zone)
    EXECUTE FUNCTION branch_moved_zone();

CREATE FUNCTION visits_emptied() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM correct_branch_days(NULL);
    RETURN NULL;
END
$$;
CREATE TRIGGER branch_days_follow_truncate AFTER TRUNCATE ON appointments_appointment
    FOR EACH STATEMENT EXECUTE FUNCTION visits_emptied();
CREATE TRIGGER branch_days_follow_truncate AFTER TRUNCATE ON appointments_assignment
    FOR EACH STATEMENT EXECUTE FUNCTION visits_emptied();
"""

NO_COUNTING = """
DROP TRIGGER branch_days_follow_truncate ON appointments_assignment;
DROP TRIGGER branch_days_follow_truncate ON appointments_appointment;
DROP FUNCTION visits_emptied();
DROP TRIGGER branch_days_follow_zone ON core_location;
DROP FUNCTION branch_moved_zone();
DROP FUNCTION correct_branch_days(uuid);
DROP FUNCTION missing_branch_days(uuid);
"""

# Making a trigger waits for whoever writes, and lets nobody write until the end.
FIRST_COUNT = "SELECT correct_branch_days(NULL)"


class Migration(migrations.Migration):
    dependencies = [("appointments", "0004_branch_days")]

    operations = [
        migrations.RunSQL(WORDS, NO_WORDS),
        migrations.RunSQL(ENTRIES, NO_ENTRIES),
        migrations.RunSQL(VISITS, NO_VISITS),
        migrations.RunSQL(ASSIGNMENTS, NO_ASSIGNMENTS),
        migrations.RunSQL(COUNTING, NO_COUNTING),
        migrations.RunSQL(FIRST_COUNT, "DELETE FROM appointments_branchday"),
    ]

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
BETWEEN_FOLDINGS = 32

WORDS = """
CREATE FUNCTION is_open_visit(status varchar)
RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT status IN ('held', 'requested', 'scheduled', 'dispatched', 'en_route',
                      'on_site', 'paused')
$$;

CREATE FUNCTION local_day_at(of_location uuid, moment timestamptz)
RETURNS date LANGUAGE sql STABLE AS $$
    SELECT (moment AT TIME ZONE time_zone)::date
    FROM core_location WHERE id = of_location
$$;

CREATE FUNCTION is_on_nobody(of_visit uuid)
RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT NOT EXISTS (
        SELECT FROM appointments_assignment
        WHERE appointment_id = of_visit AND released_at IS NULL
    )
$$;
"""

NO_WORDS = """
DROP FUNCTION is_on_nobody(uuid);
DROP FUNCTION local_day_at(uuid, timestamptz);
DROP FUNCTION is_open_visit(varchar);
"""

# One entry in the place of many. Entries that somebody else is folding are left to
# him, so nobody waits; what is not committed yet is not seen, and stays.
FOLDING = f"""
CREATE FUNCTION fold_branch_day(of_location uuid, of_day date)
RETURNS void LANGUAGE sql AS $$
    WITH entries AS MATERIALIZED (
        SELECT id FROM appointments_branchday
        WHERE location_id = of_location AND day = of_day
        FOR UPDATE SKIP LOCKED
    ), folded AS (
        DELETE FROM appointments_branchday USING entries
        WHERE appointments_branchday.id = entries.id
        RETURNING appointments_branchday.*
    )
    INSERT INTO appointments_branchday ({COLUMNS})
    SELECT location_id, day, status, currency, {SUMS} FROM folded
    GROUP BY location_id, day, status, currency HAVING {ANY}
$$;
"""

NO_FOLDING = "DROP FUNCTION fold_branch_day(uuid, date);"


def adding(entries):
    """Return PL/pgSQL that adds these entries, and folds their days now and then."""
    return f"""
    FOR crowded IN
        WITH added AS (
            INSERT INTO appointments_branchday ({COLUMNS})
            SELECT location_id, day, status, currency, {SUMS}
            FROM ({entries}) AS entry ({COLUMNS})
            GROUP BY location_id, day, status, currency HAVING {ANY}
            RETURNING id, location_id, day
        )
        SELECT DISTINCT location_id, day FROM added WHERE id % {BETWEEN_FOLDINGS} = 0
    LOOP
        PERFORM fold_branch_day(crowded.location_id, crowded.day);
    END LOOP;
    """


def visit_entry(row, sign):
    """Return the entry of a visit that came (+) or went (-)."""
    return f"""
        SELECT {row}.location_id, local_day_at({row}.location_id, {row}.starts_at),
               {row}.status, {row}.currency, {sign}1,
               {sign}(is_open_visit({row}.status) AND is_on_nobody({row}.id))::int,
               {sign}{row}.price_cents, 0, 0
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


# Statement by statement it would cost a single booking more: most writes are of one.
VISITS = f"""
CREATE FUNCTION visit_came() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    crowded record;
BEGIN
    {adding(visit_entry("NEW", "+"))}
    RETURN NULL;
END
$$;

CREATE FUNCTION visit_went() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    crowded record;
BEGIN
    {adding(visit_entry("OLD", "-"))}
    RETURN NULL;
END
$$;

CREATE FUNCTION visit_changed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    crowded record;
BEGIN
    IF (OLD.location_id, OLD.starts_at, OLD.status, OLD.currency, OLD.price_cents)
        IS NOT DISTINCT FROM
       (NEW.location_id, NEW.starts_at, NEW.status, NEW.currency, NEW.price_cents)
    THEN
        RETURN NULL;
    END IF;
    {adding(visit_entry("OLD", "-") + "UNION ALL" + visit_entry("NEW", "+"))}
    IF OLD.location_id <> NEW.location_id THEN
        {adding(f'''
            SELECT branch.id, local_day_at(branch.id, taken.occupied_from), '', '',
                   0, 0, 0, branch.sign * {planned("taken")},
                   branch.sign * {worked("taken")}
            FROM appointments_assignment AS taken,
                 (VALUES (OLD.location_id, -1), (NEW.location_id, 1))
                     AS branch (id, sign)
            WHERE taken.appointment_id = NEW.id
        ''')}
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER branch_days_follow_insert AFTER INSERT ON appointments_appointment
    FOR EACH ROW EXECUTE FUNCTION visit_came();
CREATE TRIGGER branch_days_follow_update AFTER UPDATE ON appointments_appointment
    FOR EACH ROW EXECUTE FUNCTION visit_changed();
CREATE TRIGGER branch_days_follow_delete AFTER DELETE ON appointments_appointment
    FOR EACH ROW EXECUTE FUNCTION visit_went();
"""

NO_VISITS = """
DROP TRIGGER branch_days_follow_insert ON appointments_appointment;
DROP TRIGGER branch_days_follow_update ON appointments_appointment;
DROP TRIGGER branch_days_follow_delete ON appointments_appointment;
DROP FUNCTION visit_came();
DROP FUNCTION visit_changed();
DROP FUNCTION visit_went();
"""

_CAME = "SELECT *, 1 AS sign FROM fresh WHERE appointment_id IS NOT NULL"
_WENT = "SELECT *, -1 AS sign FROM stale WHERE appointment_id IS NOT NULL"
# A technician's steps change nothing here until the last, so they cost little.
_COUNTED = ("appointment_id", "occupied_from", "occupied_until", "released_at IS NULL")
_DIFFERS = " OR ".join(
    f"stale.{column} IS DISTINCT FROM fresh.{column}" for column in _COUNTED[:3]
) + (
    " OR (stale.released_at IS NULL) <> (fresh.released_at IS NULL)"
    " OR (stale.status = 'done') <> (fresh.status = 'done')"
)
_CHANGED = f"""
    SELECT stale.*, -1 AS sign FROM stale JOIN fresh USING (id)
    WHERE stale.appointment_id IS NOT NULL AND ({_DIFFERS})
    UNION ALL
    SELECT fresh.*, 1 AS sign FROM stale JOIN fresh USING (id)
    WHERE fresh.appointment_id IS NOT NULL AND ({_DIFFERS})
"""


def on_assignments(name, changes):
    """Return the function that a statement on assignments runs.

    It locks the visits before it counts who is on them: two who put technicians on
    one visit at once would each believe to be the first. The services hold those
    locks anyway.
    """
    return f"""
CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    crowded record;
    touched uuid[] := ARRAY(
        SELECT DISTINCT appointment_id FROM ({changes}) AS change ORDER BY 1
    );
BEGIN
    IF touched = '{{}}' THEN
        RETURN NULL;
    END IF;
    PERFORM FROM appointments_appointment
        WHERE id = ANY(touched) ORDER BY id FOR NO KEY UPDATE;
    {adding(f'''
        SELECT visit.location_id, local_day_at(visit.location_id, visit.starts_at),
               visit.status, visit.currency,
               0, CASE WHEN held.now = 0 THEN 1 ELSE -1 END, 0, 0, 0
        FROM (
            SELECT appointment_id, sum(sign * (released_at IS NULL)::int) AS more
            FROM ({changes}) AS change GROUP BY appointment_id
        ) AS change
        JOIN appointments_appointment AS visit ON visit.id = change.appointment_id,
        LATERAL (
            SELECT count(*) AS now FROM appointments_assignment
            WHERE appointment_id = visit.id AND released_at IS NULL
        ) AS held
        WHERE is_open_visit(visit.status) AND (held.now = 0) <> (held.now = more)
        UNION ALL
        SELECT visit.location_id, local_day_at(visit.location_id, occupied_from),
               '', '', 0, 0, 0, sign * {planned("change")}, sign * {worked("change")}
        FROM ({changes}) AS change
        JOIN appointments_appointment AS visit ON visit.id = change.appointment_id
    ''')}
    RETURN NULL;
END
$$;
"""


ASSIGNMENTS = f"""
{on_assignments("crew_came", _CAME)}
{on_assignments("crew_changed", _CHANGED)}
{on_assignments("crew_went", _WENT)}

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

-- A branch in another zone has other days. Whoever is writing visits is waited for:
-- he may have looked at the old zone.
CREATE FUNCTION branch_moved_zone() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    LOCK TABLE appointments_appointment, appointments_assignment IN SHARE MODE;
    INSERT INTO appointments_branchday ({COLUMNS})
        SELECT {COLUMNS} FROM missing_branch_days(NEW.id);
    RETURN NULL;
END
$$;
CREATE TRIGGER branch_days_follow_zone AFTER UPDATE ON core_location
    FOR EACH ROW WHEN (OLD.time_zone IS DISTINCT FROM NEW.time_zone)
    EXECUTE FUNCTION branch_moved_zone();

CREATE FUNCTION visits_emptied() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO appointments_branchday ({COLUMNS})
        SELECT {COLUMNS} FROM missing_branch_days(NULL);
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
DROP FUNCTION missing_branch_days(uuid);
"""

# Making a trigger waits for whoever writes, and lets nobody write until the end.
FIRST_COUNT = f"""
INSERT INTO appointments_branchday ({COLUMNS})
    SELECT {COLUMNS} FROM missing_branch_days(NULL);
"""


class Migration(migrations.Migration):
    dependencies = [("appointments", "0004_branch_days")]

    operations = [
        migrations.RunSQL(WORDS, NO_WORDS),
        migrations.RunSQL(FOLDING, NO_FOLDING),
        migrations.RunSQL(VISITS, NO_VISITS),
        migrations.RunSQL(ASSIGNMENTS, NO_ASSIGNMENTS),
        migrations.RunSQL(COUNTING, NO_COUNTING),
        migrations.RunSQL(FIRST_COUNT, "DELETE FROM appointments_branchday"),
    ]

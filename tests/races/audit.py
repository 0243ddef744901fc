"""What must hold in the whole database after any race, asked by plain SQL."""

from collections import defaultdict
from collections.abc import Sequence

from django.db import connection
from django.utils import timezone

from tests.races.crowd import NEVER_LONGER, Answer

OVERLAPS = """
    SELECT a.id, b.id FROM appointments_assignment a
    JOIN appointments_assignment b
      ON a.technician_id = b.technician_id AND a.id < b.id
     AND tstzrange(a.occupied_from, a.occupied_until)
      && tstzrange(b.occupied_from, b.occupied_until)
    WHERE a.released_at IS NULL AND b.released_at IS NULL
"""
# One row a day for a visit that is split: its parts span the visit together.
BUFFERS_FORGOTTEN = """
    SELECT v.reference FROM appointments_assignment a
    JOIN appointments_appointment v ON v.id = a.appointment_id
    JOIN appointments_service s ON s.id = v.service_id
    WHERE a.released_at IS NULL
    GROUP BY v.id, s.id, a.technician_id
    HAVING min(a.occupied_from)
           <> v.starts_at - make_interval(mins => s.buffer_before_minutes)
        OR max(a.occupied_until)
           <> v.ends_at + make_interval(mins => s.buffer_after_minutes)
"""
STARTS_OUTSIDE_OF_THE_PROMISE = """
    SELECT reference FROM appointments_appointment
    WHERE NOT (window_starts_at <= starts_at AND starts_at < window_ends_at)
"""
GAPS_IN_HISTORY = """
    SELECT aggregate_id FROM core_event WHERE aggregate_type = 'appointment'
    GROUP BY aggregate_id HAVING min(number) <> 1 OR max(number) <> count(*)
"""
# A visit begins at version 1, and each change is one version and one event.
EVENTS_UNLIKE_CHANGES = """
    SELECT v.reference, v.version, count(e.id) FROM appointments_appointment v
    LEFT JOIN core_event e ON e.aggregate_type = 'appointment'
      AND e.aggregate_id = v.id
      AND e.name NOT IN ('appointment.booked', 'appointment.requested',
                          'appointment.taken_in')
    GROUP BY v.id HAVING v.version <> 1 + count(e.id)
"""
# Ended visits hold nobody; whoever is on an open one is counted as on it.
HELD_BY_ENDED_VISITS = """
    SELECT v.reference FROM appointments_appointment v
    JOIN appointments_assignment a ON a.appointment_id = v.id
    WHERE a.released_at IS NULL
      AND v.status IN ('cancelled', 'completed', 'incomplete', 'no_show')
"""
# R13 looks after visits that wait to begin, until their planned end; what has begun
# goes its way.
WAITS = """
    a.released_at IS NULL AND v.status IN ('scheduled', 'dispatched')
    AND v.ends_at > '{now}'
"""
BOOKED_INTO_ABSENCES = """
    SELECT v.reference FROM appointments_assignment a
    JOIN appointments_appointment v ON v.id = a.appointment_id
    JOIN technicians_timeoff o ON o.technician_id = a.technician_id
    WHERE {waits}
      AND tstzrange(v.starts_at, v.ends_at) && tstzrange(o.starts_at, o.ends_at)
"""
BOOKED_WITH_THE_DEACTIVATED = """
    SELECT v.reference FROM appointments_assignment a
    JOIN appointments_appointment v ON v.id = a.appointment_id
    JOIN technicians_technician t ON t.id = a.technician_id
    WHERE {waits} AND NOT t.is_active
"""
BOOKED_ON_DAYS_OFF = """
    SELECT v.reference FROM appointments_assignment a
    JOIN appointments_appointment v ON v.id = a.appointment_id
    JOIN core_location l ON l.id = v.location_id
    JOIN technicians_shiftexception x ON x.technician_id = a.technician_id
     AND x.date = (v.starts_at AT TIME ZONE l.time_zone)::date
    WHERE {waits} AND x.starts IS NULL
"""
HALF_A_CREW = """
    SELECT v.reference FROM appointments_appointment v
    JOIN appointments_service s ON s.id = v.service_id
    JOIN appointments_assignment a ON a.appointment_id = v.id
    WHERE a.released_at IS NULL
    GROUP BY v.id, s.id HAVING count(DISTINCT a.technician_id) <> s.crew_size
"""
BEYOND_A_CAP = """
    SELECT c.id, day, count(*) FROM appointments_cap c
    JOIN core_location l ON l.id = c.location_id
    JOIN LATERAL (
        SELECT window_starts_at, service_id, zone_id FROM appointments_appointment
        WHERE location_id = l.id AND status NOT IN ('cancelled', 'requested')
        UNION ALL
        SELECT window_starts_at, service_id, zone_id FROM appointments_hold
        WHERE location_id = l.id AND expires_at > now()
    ) AS taken ON (c.service_id IS NULL OR c.service_id = taken.service_id)
              AND (c.zone_id IS NULL OR c.zone_id = taken.zone_id)
    CROSS JOIN LATERAL (
        SELECT (taken.window_starts_at AT TIME ZONE l.time_zone)::date AS day
    ) AS local
    WHERE c.weekday IS NULL OR c.weekday = extract(isodow FROM day) - 1
    GROUP BY c.id, day HAVING count(*) > c.most
"""
REQUESTS_THAT_TAKE_TIME = """
    SELECT v.reference FROM appointments_appointment v
    JOIN appointments_assignment a ON a.appointment_id = v.id
    WHERE a.released_at IS NULL AND v.status = 'requested'
"""
CHECKS = {
    "overlaps": OVERLAPS,
    "buffers forgotten": BUFFERS_FORGOTTEN,
    "starts outside of the promise": STARTS_OUTSIDE_OF_THE_PROMISE,
    "gaps in history": GAPS_IN_HISTORY,
    "events unlike changes": EVENTS_UNLIKE_CHANGES,
    "held by ended visits": HELD_BY_ENDED_VISITS,
    "booked into absences": BOOKED_INTO_ABSENCES,
    "booked with the deactivated": BOOKED_WITH_THE_DEACTIVATED,
    "booked on days off": BOOKED_ON_DAYS_OFF,
    "half a crew": HALF_A_CREW,
    "beyond a cap": BEYOND_A_CAP,
    "requests that take time": REQUESTS_THAT_TAKE_TIME,
}
DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"


def rows(question: str) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(question)
        return list(cursor.fetchall())


def audit(answers: Sequence[Answer]) -> None:
    """Check the answers and all that stands in the database."""
    failed = [
        (answer.status, answer.content[:300])
        for answer in answers
        if answer.status >= 500
    ]
    assert not failed, "a lost race is never a 5xx"
    assert max(answer.seconds for answer in answers) < NEVER_LONGER
    audit_rows()
    no_lost_update(answers)


def audit_rows() -> None:
    """Check all that stands in the database, in one question."""
    waits = WAITS.format(now=timezone.now().isoformat())
    checks = {name: asked.replace("{waits}", waits) for name, asked in CHECKS.items()}
    together = " UNION ALL ".join(
        f"SELECT '{name}', count(*) FROM ({asked}) AS wrong"  # noqa: S608  # our own
        for name, asked in checks.items()
    )
    wrong = {name: count for name, count in rows(together) if count}
    assert not wrong, {name: rows(checks[name])[:5] for name in wrong}


def no_lost_update(answers: Sequence[Answer]) -> None:
    """Each change that was acknowledged made a version of its own.

    A step that repeats the present state answers 200 with the version that is there:
    such races are told apart by their events, which `EVENTS_UNLIKE_CHANGES` counts.
    """
    versions: dict[str, list[str]] = defaultdict(list)
    for answer in answers:
        if answer.status < 300 and "etag" in answer.headers and not answer.is_replayed:
            versions[answer.json()["id"]].append(answer.headers["etag"])
    for made in versions.values():
        assert len(made) == len(set(made)), "two changes claim the same version"

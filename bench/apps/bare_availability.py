"""The free windows of a week, by one statement on multiranges and a grid in Python.

It knows the rules that the data of the bench makes use of, and no others: weekly
shifts, absences, visits with their buffers, skills with their last day, holidays,
notice and horizon. No travel, no caps, no holds, no exceptions.
"""

from datetime import UTC, datetime
from typing import Any

import psycopg

from bench.apps.bare_list import arrival_text, zone_of

GRID = 15 * 60

FREE = """
    WITH service AS MATERIALIZED (
        SELECT id, code, booking_mode, window_minutes, notice_minutes,
               make_interval(mins => duration_minutes) AS work,
               make_interval(mins => buffer_before_minutes) AS before,
               make_interval(mins => buffer_after_minutes) AS after,
               %(today)s::date + horizon_days AS last_day
        FROM appointments_service WHERE code = %(service)s
    ), branch AS MATERIALIZED (
        SELECT location.id, location.time_zone
        FROM core_zonezip AS zip JOIN core_zone AS zone ON zone.id = zip.zone_id
        JOIN core_location AS location ON location.id = zone.location_id
        WHERE zip.postal_code = %(postal_code)s
    ), day AS MATERIALIZED (
        SELECT day::date, (day + opens) AT TIME ZONE time_zone AS opens_at,
               (day + closes) AT TIME ZONE time_zone AS closes_at,
               branch.id AS location_id, time_zone
        FROM branch, service, generate_series(
            %(today)s::timestamp, %(today)s::timestamp + make_interval(
                days => %(days)s::int - 1
            ), interval '1 day'
        ) AS day
        JOIN core_openinghours AS hours ON weekday = extract(isodow FROM day) - 1
        WHERE hours.location_id = branch.id AND day::date <= last_day
          AND NOT EXISTS (
            SELECT FROM core_holiday AS holiday WHERE date = day::date
              AND (holiday.location_id = branch.id OR holiday.location_id IS NULL)
        )
    ), shift AS MATERIALIZED (
        SELECT weekly.technician_id, range_agg(tstzrange(
            (day + starts) AT TIME ZONE time_zone,
            (day + ends) AT TIME ZONE time_zone - work, '[]'
        )) AS starts
        FROM service, day JOIN technicians_weeklyshift AS weekly
            ON weekday = extract(isodow FROM day) - 1
           AND weekly.location_id = day.location_id AND kind = 'regular'
        WHERE NOT EXISTS (
            SELECT FROM appointments_service_skills AS asked
            WHERE asked.service_id = service.id AND NOT EXISTS (
                SELECT FROM technicians_technicianskill AS has
                WHERE has.technician_id = weekly.technician_id
                  AND has.skill_id = asked.skill_id
                  AND (valid_until IS NULL OR valid_until >= day)
            )
        )
        GROUP BY 1
    ), free AS (
        SELECT unnest(starts - coalesce((
            SELECT range_agg(tstzrange(
                occupied_from - work - after, occupied_until + before, '()'
            ))
            FROM appointments_assignment AS busy
            WHERE busy.technician_id = shift.technician_id AND released_at IS NULL
              AND occupied_from >= %(today)s::timestamptz
              AND occupied_from < %(today)s::timestamptz
                  + make_interval(days => %(days)s::int + 1)
        ), '{}') - coalesce((
            SELECT range_agg(tstzrange(starts_at - work, ends_at, '()'))
            FROM technicians_timeoff AS away
            WHERE away.technician_id = shift.technician_id
              AND ends_at >= %(today)s::timestamptz
              AND starts_at < %(today)s::timestamptz
                  + make_interval(days => %(days)s::int + 1)
        ), '{}')) AS starts
        FROM shift, service
    ), anybody AS (
        SELECT unnest(range_agg(starts)) AS starts FROM free
    )
    SELECT service.code, booking_mode, window_minutes, notice_minutes,
           branch.id, time_zone,
           (SELECT array_agg(ARRAY[extract(epoch FROM opens_at)::int,
                                   extract(epoch FROM closes_at)::int] ORDER BY day)
            FROM day),
           (SELECT array_agg(ARRAY[extract(epoch FROM lower(starts))::int,
                                   extract(epoch FROM upper(starts))::int]
                             ORDER BY starts)
            FROM anybody)
    FROM service, branch
"""


def slots(connection: psycopg.Connection[Any], query: dict[str, str], _: bytes) -> Any:
    """Return the windows in which somebody can begin."""
    now = datetime.now(UTC)
    asked = {**query, "today": query["from"]}
    row = connection.execute(FREE, asked).fetchone()
    if row is None:
        raise LookupError(query)
    code, mode, window_minutes, notice, branch, zone_name, days, free = row
    zone = zone_of(zone_name)
    earliest = now.timestamp() + notice * 60
    length = window_minutes * 60
    return {
        "computed_at": now.astimezone(zone).isoformat(),
        "degraded": False,
        "service": code,
        "location": str(branch),
        "time_zone": zone_name,
        "booking_mode": mode,
        "slots": [
            _slot(start, length, zone)
            for opens, closes in days
            for start in range(opens, closes, length)
            if _has_start(free, start, start + length, earliest)
        ],
    }


def _has_start(free: list[list[int]], start: int, end: int, earliest: float) -> bool:
    """Tell whether a start on the grid lies in something free."""
    for at in range(start, end, GRID):
        if at >= earliest and any(low <= at <= high for low, high in free):
            return True
    return False


def _slot(start: int, length: int, zone: Any) -> dict[str, str]:
    opens = datetime.fromtimestamp(start, zone)
    closes = datetime.fromtimestamp(start + length, zone)
    return {
        "date": opens.date().isoformat(),
        "starts_at": opens.isoformat(),
        "ends_at": closes.isoformat(),
        "display": arrival_text(opens, closes, is_window=True),
    }

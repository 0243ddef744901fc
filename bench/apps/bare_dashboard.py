"""How a branch's days stand, counted from the visits themselves by one statement."""

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg

from bench.apps.bare_list import zone_of

_NO_REVENUE = {"held", "requested", "cancelled", "no_show"}

FIGURES = """
    WITH branch AS MATERIALIZED (
        SELECT id, code, name, time_zone,
               %(date)s::timestamp AT TIME ZONE time_zone AS since,
               (%(date)s::date + %(days)s::int)::timestamp AT TIME ZONE time_zone
                   AS until
        FROM core_location
        WHERE (%(location)s::uuid IS NULL AND is_active) OR id = %(location)s::uuid
    ), each AS MATERIALIZED (
        SELECT location_id, (starts_at AT TIME ZONE time_zone)::date AS day, status,
               currency, price_cents, window_ends_at, holding, planned, worked
        FROM branch JOIN appointments_appointment AS visit
            ON visit.location_id = branch.id
           AND visit.starts_at >= since AND visit.starts_at < until
        CROSS JOIN LATERAL (
            SELECT count(*) FILTER (WHERE released_at IS NULL) AS holding,
                   sum(extract(epoch FROM occupied_until - occupied_from)::int / 60)
                       FILTER (WHERE released_at IS NULL) AS planned,
                   sum(extract(epoch FROM occupied_until - occupied_from)::int / 60)
                       FILTER (WHERE released_at IS NOT NULL AND member.status = 'done')
                       AS worked
            FROM appointments_assignment AS member
            WHERE member.appointment_id = visit.id
        ) AS crew
    ), visit AS (
        SELECT location_id, day, status, currency, count(*) AS visits,
               sum(price_cents)::bigint AS price_cents,
               count(*) FILTER (
                   WHERE status IN ('scheduled', 'dispatched', 'en_route')
                   AND window_ends_at <= now()
               ) AS late,
               count(*) FILTER (
                   WHERE holding = 0
                   AND status IN ('held', 'requested', 'scheduled', 'dispatched',
                                  'en_route', 'on_site', 'paused')
               ) AS unassigned
        FROM each GROUP BY 1, 2, 3, 4
    ), crew AS (
        SELECT location_id, day, sum(planned) AS planned, sum(worked) AS worked
        FROM each GROUP BY 1, 2
    ), shift AS (
        SELECT branch.id AS location_id, day::date, technician_id,
               range_agg(tstzrange((day + starts) AT TIME ZONE time_zone,
                                   (day + ends) AT TIME ZONE time_zone)) AS hours
        FROM branch, generate_series(
            %(date)s::timestamp,
            %(date)s::timestamp + make_interval(days => %(days)s::int - 1),
            interval '1 day'
        ) AS day
        JOIN technicians_weeklyshift AS weekly
            ON weekday = extract(isodow FROM day) - 1 AND kind = 'regular'
        WHERE weekly.location_id = branch.id
          AND NOT EXISTS (
            SELECT FROM core_holiday AS holiday WHERE date = day::date
              AND (holiday.location_id = branch.id OR holiday.location_id IS NULL)
          )
        GROUP BY 1, 2, 3
    ), away AS MATERIALIZED (
        SELECT technician_id, range_agg(tstzrange(starts_at, ends_at)) AS hours
        FROM technicians_timeoff, branch
        WHERE ends_at > since AND starts_at < until GROUP BY 1
    ), offered AS (
        SELECT location_id, day, sum(minutes) AS minutes FROM (
            SELECT location_id, day, (
                SELECT extract(epoch FROM sum(upper(part) - lower(part))) / 60
                FROM unnest(shift.hours - coalesce(away.hours, '{}')) AS part
            ) AS minutes
            FROM shift LEFT JOIN away USING (technician_id)
        ) AS each GROUP BY 1, 2
    )
    SELECT branch.id, code, name, time_zone, visit.day, status, currency, visits,
           price_cents, late, unassigned, NULL, NULL, NULL
    FROM branch JOIN visit ON visit.location_id = branch.id
    UNION ALL
    SELECT branch.id, code, name, time_zone, offered.day, NULL, NULL, NULL, NULL,
           NULL, NULL, planned::int, worked::int, minutes::int
    FROM branch JOIN offered ON offered.location_id = branch.id
    LEFT JOIN crew USING (location_id, day)
"""


def figures(
    connection: psycopg.Connection[Any], query: dict[str, str], _: bytes
) -> Any:
    """Return the figures of the branches' days."""
    asked = {"location": None, **query}
    first, days = date.fromisoformat(query["date"]), int(query["days"])
    branches: dict[Any, dict[str, Any]] = {}
    for key, code, name, zone, day, *row in connection.execute(FIGURES, asked):
        branch = branches.get(key)
        if branch is None:
            branch = branches[key] = {
                "id": str(key),
                "code": code,
                "name": name,
                "time_zone": zone,
                "days": [_empty(first + timedelta(days=n)) for n in range(days)],
            }
        _add(branch["days"][(day - first).days], row)
    for branch in branches.values():
        for figures_of_day in branch["days"]:
            _finish(figures_of_day)
    return {
        "computed_at": datetime.now(UTC).astimezone(zone_of("UTC")).isoformat(),
        "locations": sorted(branches.values(), key=lambda each: each["name"]),
    }


def _empty(day: date) -> dict[str, Any]:
    return {
        "date": day.isoformat(),
        "visits": 0,
        "statuses": {},
        "unassigned": 0,
        "late": 0,
        "revenue": defaultdict(lambda: [0, 0]),
        "planned_minutes": 0,
        "worked_minutes": 0,
        "shift_minutes": 0,
    }


def _add(day: dict[str, Any], row: list[Any]) -> None:
    status, currency, visits, cents, late, unassigned, planned, worked, offered = row
    if status is None:
        day["planned_minutes"] = planned or 0
        day["worked_minutes"] = worked or 0
        day["shift_minutes"] = offered or 0
        return
    day["statuses"][status] = day["statuses"].get(status, 0) + visits
    day["visits"] += visits if status != "cancelled" else 0
    day["late"] += late
    day["unassigned"] += unassigned
    if cents and status not in _NO_REVENUE:
        revenue = day["revenue"][currency]
        revenue[0] += cents
        revenue[1] += cents if status == "completed" else 0


def _finish(day: dict[str, Any]) -> None:
    day["revenue"] = [
        {"currency": currency, "booked_cents": booked, "done_cents": done}
        for currency, (booked, done) in sorted(day["revenue"].items())
    ]
    busy, offered = day["planned_minutes"] + day["worked_minutes"], day["shift_minutes"]
    if offered:
        day["load_percent"] = round(100 * busy / offered)
    else:
        day["load_percent"] = 100 if busy else 0

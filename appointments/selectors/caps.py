"""How much of a cap is taken."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import connection

from appointments.rules.slots import Branch, CapState
from appointments.rules.states import Status
from core.walltime import day_bounds

# Neither of these will be, or is yet, a visit of that day.
_NOT_COUNTED = ", ".join(f"'{each}'" for each in (Status.CANCELLED, Status.REQUESTED))


def with_taken(
    caps: Sequence[CapState],
    *,
    branch: Branch,
    days: Collection[date],
    now: datetime,
    own: Collection[UUID] = (),
) -> tuple[CapState, ...]:
    """Return the caps with what each of the local days has taken: one query.

    Visits count on the day of their promise, and holds while they last; `own` ones
    do not. It is one query so that a hold which becomes a visit meanwhile is seen as
    the one or the other, never as neither.
    """
    if not caps:
        return ()
    start, _ = day_bounds(min(days), zone=branch.zone)
    _, end = day_bounds(max(days), zone=branch.zone)
    given: dict[str, Any] = {
        "location": branch.id,
        "zone": branch.zone.key,
        "start": start,
        "end": end,
        "own": list(own),
        "now": now,
    }
    columns = ", ".join(_counted(number, cap, given) for number, cap in enumerate(caps))
    with connection.cursor() as cursor:
        cursor.execute(_TAKEN.format(columns=columns), given)
        rows = cursor.fetchall()
    return tuple(
        replace(cap, taken={on: counts[number] for on, *counts in rows})
        for number, cap in enumerate(caps)
    )


def _counted(number: int, cap: CapState, given: dict[str, Any]) -> str:
    """Return the SQL that counts what falls under a cap; its ids go to `given`."""
    conditions = ["true"]
    for name, wanted in (("service_id", cap.service_id), ("zone_id", cap.zone_id)):
        if wanted is not None:
            given[f"{name}_{number}"] = wanted
            conditions.append(f"{name} = %({name}_{number})s")
    return f"count(*) FILTER (WHERE {' AND '.join(conditions)})"


# Twice with each booking that a cap concerns. The ORM says it in one query as well,
# and takes longer to put that together than PostgreSQL takes to answer it. Work begins
# within its promise: so a promise of no more than a day is found by the index of the
# work's start, and the few that are longer have an index of their own.
_COUNTED = f"""
    SELECT window_starts_at, service_id, zone_id FROM appointments_appointment
    WHERE status NOT IN ({_NOT_COUNTED}) AND location_id = %(location)s
      AND window_starts_at >= %(start)s AND window_starts_at < %(end)s
      AND id <> ALL(%(own)s)
"""  # noqa: S608  # words of our own
_TAKEN = f"""
    SELECT (window_starts_at AT TIME ZONE %(zone)s)::date AS day, {{columns}}
    FROM (
        {_COUNTED}
          AND starts_at >= %(start)s AND starts_at < %(end)s + interval '1 day'
          AND window_ends_at - window_starts_at <= interval '1 day'
        UNION ALL
        {_COUNTED}
          AND window_ends_at - window_starts_at > interval '1 day'
        UNION ALL
        SELECT window_starts_at, service_id, zone_id FROM appointments_hold
        WHERE expires_at > %(now)s AND location_id = %(location)s
          AND window_starts_at >= %(start)s AND window_starts_at < %(end)s
          AND id <> ALL(%(own)s)
    ) AS taken
    GROUP BY day
"""  # noqa: S608  # as above

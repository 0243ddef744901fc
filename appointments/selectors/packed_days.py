"""Technicians' days as PostgreSQL keeps them packed, read when they have changed."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection
from psycopg.pq import Format

from appointments.rules.slots import Span, to_moment

# Technicians, first and last day.
_Asked = tuple[tuple[UUID, ...], date, date]
Days = Mapping[UUID, Sequence[bytes]]


def packed_days(
    technician_ids: Sequence[UUID], *, span: Span
) -> tuple[UUID | None, Days]:
    """Return the packed days of each technician that touch the span, in order.

    And the roster's version as of the same moment. PostgreSQL says first whether
    anything changed since this process last asked the same, and then what; all of it
    in one query.
    """
    asked = (
        tuple(technician_ids),
        to_moment(span.start).date(),
        to_moment(span.end).date(),
    )
    state, days = _kept.get(asked, _NOTHING)
    rows = _read(asked, known=state)
    found = _State(*rows[0][:3])
    if found != state:
        state, days = found, _by_technician(rows)
        _keep(asked, state, days)
    return state.roster, days


class _State(NamedTuple):
    """What tells one state of the days asked for from every other.

    The version of a day grows by one with each change, and days to come are never
    deleted: so whatever is committed makes the sum of their versions grow.
    """

    roster: UUID | None
    days: int
    versions: int


def _read(asked: _Asked, *, known: _State) -> list[Any]:
    technician_ids, first, last = asked
    with connection.cursor() as cursor:
        cursor.cursor.format = Format.BINARY  # as text, bytes are twice as long
        cursor.execute(
            _DAYS,
            {
                "technicians": list(technician_ids),
                "first": first,
                "last": last,
                **known._asdict(),
            },
        )
        rows: list[Any] = cursor.fetchall()
    return rows


def _by_technician(rows: list[Any]) -> Days:
    days: dict[UUID, list[bytes]] = {}
    for *_, technician_id, packed in rows:
        if packed is not None:
            days.setdefault(technician_id, []).append(packed)
    return days


def _keep(asked: _Asked, state: _State, days: Days) -> None:
    """Keep an answer, the last hundred of them.

    What a transaction sees may yet be undone, and its versions given out once more:
    only what is committed is kept.
    """
    if connection.in_atomic_block:
        return
    _kept[asked] = state, days
    if len(_kept) > _MOST_KEPT:
        _kept.popitem(last=False)


_MOST_KEPT = 100
_NOTHING: tuple[_State, Days] = (_State(None, -1, 0), {})
_kept: OrderedDict[_Asked, tuple[_State, Days]] = OrderedDict()

_DAYS = """
    SELECT state.*, technician_id, stops
    FROM (
        SELECT (SELECT version FROM appointments_rosterversion) AS roster,
            count(*) AS days, coalesce(sum(version), 0)::bigint AS versions
        FROM appointments_technicianday
        WHERE technician_id = ANY(%(technicians)s)
        AND day BETWEEN %(first)s AND %(last)s
    ) AS state
    LEFT JOIN LATERAL (
        SELECT technician_id, stops
        FROM appointments_technicianday
        WHERE technician_id = ANY(%(technicians)s)
        AND day BETWEEN %(first)s AND %(last)s AND stops <> ''
        AND (state.roster, state.days, state.versions)
            IS DISTINCT FROM (%(roster)s::uuid, %(days)s::bigint, %(versions)s::bigint)
        ORDER BY technician_id, day
        OFFSET 0
    ) AS changed ON TRUE
"""

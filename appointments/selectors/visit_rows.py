"""Visits as an answer shows them: one statement a page, and no model instances.

A page of visits is what dispatchers' screens ask for all day. Built by the ORM it
costs ten times as much (docs/adr/0008-a-thin-http-path.md). A test holds each filter
and each member against the ORM.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from appointments.models import Appointment
from appointments.rules.states import OPEN, Step
from appointments.selectors.search import visits_matching
from core.actors import Actor


class OnTheVisit(NamedTuple):
    """One technician on a visit."""

    id: str
    name: str
    status: str
    is_lead: bool


class VisitRow(NamedTuple):
    """One visit. Ids and times are text, as PostgreSQL writes them: in UTC."""

    id: str
    reference: str
    status: str
    version: int
    service_code: str
    service_name: str
    booking_mode: str
    location_id: str
    location_name: str
    time_zone: str
    window_starts_at: str
    window_ends_at: str
    customer_id: str
    customer_name: str
    property_id: str
    line1: str
    line2: str
    city: str
    region: str
    postal_code: str
    latitude: float | None
    longitude: float | None
    lead_id: str | None
    starts_at: str
    ends_at: str
    sequence: int
    price_cents: int
    currency: str
    source: str
    notes: str
    cancellation_reason: str
    created_at: str
    updated_at: str
    technicians: list[OnTheVisit]


# In the order of VisitRow, then of OnTheVisit. Text, where the answer has text: that
# spares a UUID and a datetime object each.
_COLUMNS = """
    v.id::text, v.reference, v.status, v.version, s.code, s.name, s.booking_mode,
    l.id::text, l.name, l.time_zone, v.window_starts_at::text, v.window_ends_at::text,
    c.id::text, c.name, p.id::text, p.line1, p.line2, p.city, p.region, p.postal_code,
    p.latitude, p.longitude, v.lead_id::text, v.starts_at::text, v.ends_at::text,
    v.sequence, v.price_cents, v.currency, v.source, v.notes, v.cancellation_reason,
    v.created_at::text, v.updated_at::text,
    t.id::text, t.name, a.status, a.is_lead
"""
_OWN_COLUMNS = len(VisitRow._fields) - 1

_TABLES = f"""
    JOIN appointments_service s ON s.id = v.service_id
    JOIN core_location l ON l.id = v.location_id
    JOIN leads_customer c ON c.id = v.customer_id
    JOIN leads_property p ON p.id = v.property_id
    LEFT JOIN appointments_assignment a
        ON a.appointment_id = v.id AND a.part = 0 AND a.status <> '{Step.DECLINED}'
    LEFT JOIN technicians_technician t ON t.id = a.technician_id
"""

_OPEN = ", ".join(f"'{status}'" for status in sorted(OPEN))
_UNASSIGNED = f"""(v.status IN ({_OPEN}) AND NOT EXISTS (
    SELECT FROM appointments_assignment
    WHERE appointment_id = v.id AND released_at IS NULL))"""
_WITH_TECHNICIAN = f"""v.id IN (
    SELECT appointment_id FROM appointments_assignment
    WHERE technician_id = %s AND status <> '{Step.DECLINED}')"""  # noqa: S608  # a word of ours

_CONDITIONS: Mapping[str, str] = {
    "status": "v.status = ANY(%s)",
    "location": "v.location_id = %s",
    "customer": "v.customer_id = %s",
    "technician": _WITH_TECHNICIAN,
    "service": "v.service_id = (SELECT id FROM appointments_service WHERE code = %s)",
    "starts_after": "v.starts_at >= %s",
    "starts_before": "v.starts_at < %s",
    "updated_since": "v.updated_at >= %s",
}
_ORDERS: Mapping[tuple[str, ...], str] = {
    ("starts_at", "id"): "ASC",
    ("-starts_at", "-id"): "DESC",
}

Condition = tuple[str, Sequence[Any]]


def visit_page(
    *,
    actor: Actor,
    wanted: Mapping[str, Any],
    order: tuple[str, ...],
    after: Sequence[Any] | None,
    limit: int,
) -> list[VisitRow]:
    """Return the first visits after a position that an actor may see and wants.

    `wanted` holds what `appointments.api.filters` lets through; `after` is the start
    and the id of a visit.
    """
    direction = _ORDERS[order]
    where = [*_seen_by(actor, wanted.get("location")), *_narrowed(wanted)]
    if after is not None:
        beyond = ">" if direction == "ASC" else "<"
        where.append((f"(v.starts_at, v.id) {beyond} (%s, %s)", after))
    conditions = " AND ".join(condition for condition, _ in where) or "TRUE"
    # The limit is spelt out: a plan made once for any limit expects a tenth of all.
    statement = f"""
        WITH page AS MATERIALIZED (
            SELECT v.* FROM appointments_appointment v WHERE {conditions}
            ORDER BY v.starts_at {direction}, v.id {direction} LIMIT {limit:d}
        )
        SELECT {_COLUMNS} FROM page v {_TABLES}
        ORDER BY v.starts_at {direction}, v.id {direction}, a.is_lead DESC, a.created_at
    """  # noqa: S608  # of our own pieces; values travel apart
    return _visits(statement, [value for _, values in where for value in values])


def visit_row(visit_id: UUID, *, actor: Actor | None = None) -> VisitRow | None:
    """Return one visit, if it is there and `actor`, where given, may see it."""
    where: list[Condition] = [("v.id = %s", [visit_id])]
    where += _seen_by(actor, None) if actor else []
    conditions = " AND ".join(condition for condition, _ in where)
    statement = f"""
        SELECT {_COLUMNS} FROM appointments_appointment v {_TABLES}
        WHERE {conditions} ORDER BY a.is_lead DESC, a.created_at
    """  # noqa: S608  # as above
    visits = _visits(statement, [value for _, values in where for value in values])
    return visits[0] if visits else None


def _visits(statement: str, values: Sequence[Any]) -> list[VisitRow]:
    """Ask, and gather the technicians of one visit: each has a row of its own."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        rows = cursor.fetchall()
    visits: list[VisitRow] = []
    for row in rows:
        if not visits or visits[-1].id != row[0]:
            visits.append(VisitRow._make((*row[:_OWN_COLUMNS], [])))
        if row[_OWN_COLUMNS] is not None:
            visits[-1].technicians.append(OnTheVisit._make(row[_OWN_COLUMNS:]))
    return visits


def _seen_by(actor: Actor, location_id: UUID | None) -> list[Condition]:
    """Say `visible_to(actor)`, of `AppointmentQuerySet`, in SQL."""
    if actor.technician_id is not None:
        return [(_WITH_TECHNICIAN, [actor.technician_id])]
    if actor.location_ids is None:
        return []
    if location_id in actor.location_ids:
        return []  # the list asks for that branch anyway
    return [("v.location_id = ANY(%s)", [list(actor.location_ids)])]


def _narrowed(wanted: Mapping[str, Any]) -> list[Condition]:
    """Say in SQL what the caller wants to see."""
    where: list[Condition] = [
        (_CONDITIONS[name], [value])
        for name, value in wanted.items()
        if name in _CONDITIONS
    ]
    if "unassigned" in wanted:
        where.append(
            (_UNASSIGNED if wanted["unassigned"] else f"NOT {_UNASSIGNED}", [])
        )
    if "search" in wanted:
        found = visits_matching(Appointment.objects.order_by(), term=wanted["search"])
        ids, values = found.values("pk").query.sql_with_params()
        where.append((f"v.id IN ({ids})", values))
    return where

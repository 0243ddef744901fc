"""A page of visits: one statement for the visits and who is on them."""

import base64
import hashlib
import hmac
import json
import os
from datetime import datetime
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import psycopg

LIMIT = 50
_KEY = os.environ.get("SECRET_KEY", "").encode()
_ID = itemgetter(0)

PAGE = """
    WITH page AS MATERIALIZED (
        SELECT * FROM appointments_appointment
        WHERE location_id = %(location)s
          AND starts_at >= %(starts_after)s AND starts_at < %(starts_before)s
        ORDER BY starts_at, id LIMIT 51
    )
    SELECT v.id::text, v.reference, v.status, v.version, v.window_starts_at,
           v.window_ends_at, v.starts_at, v.ends_at, v.lead_id::text, v.sequence,
           v.price_cents, v.currency, v.source, v.notes, v.cancellation_reason,
           v.created_at, v.updated_at, s.code, s.name, s.booking_mode,
           l.id::text, l.name, l.time_zone, c.id::text, c.name,
           p.id::text, p.line1, p.line2, p.city, p.region, p.postal_code,
           p.latitude, p.longitude, a.technician_id::text, t.name, a.status, a.is_lead
    FROM page v
    JOIN appointments_service s ON s.id = v.service_id
    JOIN core_location l ON l.id = v.location_id
    JOIN leads_customer c ON c.id = v.customer_id
    JOIN leads_property p ON p.id = v.property_id
    LEFT JOIN appointments_assignment a
        ON a.appointment_id = v.id AND a.status <> 'declined'
    LEFT JOIN technicians_technician t ON t.id = a.technician_id
    ORDER BY v.starts_at, v.id, a.is_lead DESC, a.created_at
"""


def page(connection: psycopg.Connection[Any], query: dict[str, str], _: bytes) -> Any:
    """Return the visits of a branch that begin in a span of time, in order."""
    rows = connection.execute(PAGE, query).fetchall()
    visits = [_visit(list(same)) for _, same in groupby(rows, _ID)]
    following = None
    if len(visits) > LIMIT:
        del visits[LIMIT:]
        last = visits[-1]
        following = f"/api/v1/appointments?cursor={quote(_cursor(last))}"
    return {"next": following, "previous": None, "results": visits}


def _cursor(last: dict[str, Any]) -> str:
    """Return a signed cursor; ours signs likewise, with more ceremony."""
    text = json.dumps([False, last["starts_at"], last["id"]], separators=(",", ":"))
    value = base64.urlsafe_b64encode(text.encode())
    signature = hmac.new(_KEY, value, hashlib.sha256).digest()
    return (value + b":" + base64.urlsafe_b64encode(signature)).decode()


def _visit(rows: list[tuple[Any, ...]]) -> dict[str, Any]:
    row = rows[0]
    zone = zone_of(row[22])
    opens, closes = row[4].astimezone(zone), row[5].astimezone(zone)
    return {
        "id": row[0],
        "reference": row[1],
        "status": row[2],
        "version": row[3],
        "service": {"code": row[17], "name": row[18]},
        "location": {"id": row[20], "name": row[21]},
        "window_starts_at": opens.isoformat(),
        "window_ends_at": closes.isoformat(),
        "time_zone": row[22],
        "display": arrival_text(opens, closes, is_window=row[19] == "window"),
        "customer": {"id": row[23], "name": row[24]},
        "property": {
            "id": row[25],
            "line1": row[26],
            "line2": row[27],
            "city": row[28],
            "region": row[29],
            "postal_code": row[30],
            "latitude": row[31],
            "longitude": row[32],
        },
        "lead": row[8],
        "starts_at": row[6].astimezone(zone).isoformat(),
        "ends_at": row[7].astimezone(zone).isoformat(),
        "technicians": [
            {"id": on[33], "name": on[34], "status": on[35], "is_lead": on[36]}
            for on in rows
            if on[33] is not None
        ],
        "sequence": row[9],
        "price_cents": row[10],
        "currency": row[11],
        "source": row[12],
        "notes": row[13],
        "cancellation_reason": row[14],
        "created_at": utc_text(row[15]),
        "updated_at": utc_text(row[16]),
    }


@lru_cache
def zone_of(name: str) -> ZoneInfo:
    """Return a time zone."""
    return ZoneInfo(name)


def utc_text(moment: datetime) -> str:
    """Return an instant, which the connection gives in UTC, ending in Z."""
    return moment.isoformat()[:-6] + "Z"


def arrival_text(opens: datetime, closes: datetime, *, is_window: bool) -> str:
    """Return a promise as people say it."""
    # Two zones' times are equal where they are the same instant; the clocks are not.
    return _text(opens.replace(tzinfo=None), closes.replace(tzinfo=None), is_window)


@lru_cache(maxsize=4096)
def _text(opens: datetime, closes: datetime, is_window: bool) -> str:  # noqa: FBT001
    day = f"{opens:%a}, {opens:%b} {opens.day}"
    first, last = _clock(opens), _clock(closes)
    if not is_window:
        return f"{day}, {first} {opens:%p}"
    if opens.hour // 12 == closes.hour // 12:
        return f"{day}, {first} \N{EN DASH} {last} {closes:%p}"
    return f"{day}, {first} {opens:%p} \N{EN DASH} {last} {closes:%p}"


def _clock(moment: datetime) -> str:
    return f"{moment.hour % 12 or 12}:{moment:%M}"

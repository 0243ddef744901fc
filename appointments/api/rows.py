"""A visit's row as its answer: the members of `AppointmentOutput`, made by hand.

Pages repeat themselves: most visits begin at the same few times of a day. What a time
looks like is worked out once and remembered.
"""

from datetime import datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from appointments.api.fields import arrival_text
from appointments.models import BookingMode
from appointments.selectors.visit_rows import VisitRow

_REMEMBERED_TIMES = 10_000


def visit_data(visit: VisitRow) -> dict[str, Any]:
    """Return what staff see of a visit."""
    zone = visit.time_zone
    return {
        **public_visit_data(visit),
        "customer": {"id": visit.customer_id, "name": visit.customer_name},
        "property": {
            "id": visit.property_id,
            "line1": visit.line1,
            "line2": visit.line2,
            "city": visit.city,
            "region": visit.region,
            "postal_code": visit.postal_code,
            "latitude": visit.latitude,
            "longitude": visit.longitude,
        },
        "lead": visit.lead_id,
        "starts_at": _branch_time(visit.starts_at, zone),
        "ends_at": _branch_time(visit.ends_at, zone),
        "technicians": [technician._asdict() for technician in visit.technicians],
        "sequence": visit.sequence,
        "price_cents": visit.price_cents,
        "currency": visit.currency,
        "source": visit.source,
        "notes": visit.notes,
        "cancellation_reason": visit.cancellation_reason,
        "created_at": _utc_time(visit.created_at),
        "updated_at": _utc_time(visit.updated_at),
    }


def public_visit_data(visit: VisitRow) -> dict[str, Any]:
    """Return what the visitor who booked it sees of a visit."""
    zone = visit.time_zone
    opens, closes = visit.window_starts_at, visit.window_ends_at
    return {
        "id": visit.id,
        "reference": visit.reference,
        "status": visit.status,
        "version": visit.version,
        "service": {"code": visit.service_code, "name": visit.service_name},
        "location": {"id": visit.location_id, "name": visit.location_name},
        "window_starts_at": _branch_time(opens, zone),
        "window_ends_at": _branch_time(closes, zone),
        "time_zone": zone,
        "display": _display(opens, closes, visit.booking_mode, zone),
    }


@lru_cache(_REMEMBERED_TIMES)
def _branch_time(text: str, zone: str) -> str:
    """Return an instant by the wall clock of its branch, with its offset."""
    return datetime.fromisoformat(text).astimezone(ZoneInfo(zone)).isoformat()


@lru_cache(_REMEMBERED_TIMES)
def _display(opens: str, closes: str, booking_mode: str, zone: str) -> str:
    return arrival_text(
        starts_at=datetime.fromisoformat(opens),
        ends_at=datetime.fromisoformat(closes),
        is_window=booking_mode == BookingMode.WINDOW,
        zone=ZoneInfo(zone),
    )


def _utc_time(text: str) -> str:
    """Return an instant as 2027-03-02T15:00:00Z."""
    day, _, clock = text.removesuffix("+00").partition(" ")
    seconds, _, fraction = clock.partition(".")
    return f"{day}T{seconds}.{fraction:0<6}Z" if fraction else f"{day}T{seconds}Z"

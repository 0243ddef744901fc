"""Book a visit by one statement: visit, technician's time and event.

It believes the caller that the time can be booked; the exclusion constraint is the
only one that looks.
"""

import json
from datetime import datetime
from typing import Any

import psycopg

from bench.apps.bare_list import arrival_text, utc_text, zone_of

BOOK = """
    WITH wish AS MATERIALIZED (
        SELECT service.id AS service_id, service.code, service.name AS service_name,
               booking_mode, price_cents, currency,
               make_interval(mins => duration_minutes) AS work,
               make_interval(mins => buffer_before_minutes) AS before,
               make_interval(mins => buffer_after_minutes) AS after,
               make_interval(mins => window_minutes) AS promise,
               at.id AS property_id, customer_id, customer.name AS customer_name,
               at.line1, at.line2, at.city, at.region, at.postal_code, at.latitude,
               at.longitude, zone.id AS zone_id, branch.id AS location_id,
               branch.name AS location_name, time_zone,
               %(starts_at)s::timestamptz AS starts_at, now() AS now
        FROM appointments_service AS service,
             leads_property AS at
        JOIN leads_customer AS customer ON customer.id = at.customer_id
        JOIN core_zonezip AS zip ON zip.postal_code = left(at.postal_code, 5)
        JOIN core_zone AS zone ON zone.id = zip.zone_id
        JOIN core_location AS branch ON branch.id = zone.location_id
        WHERE service.code = %(service)s AND at.id = %(property)s::uuid
    ), visit AS (
        INSERT INTO appointments_appointment (
            id, reference, location_id, zone_id, service_id, customer_id, property_id,
            status, window_starts_at, window_ends_at, starts_at, ends_at, sequence,
            price_cents, currency, source, notes, cancellation_reason, version,
            created_at, updated_at
        )
        SELECT uuidv7(), 'V-' || upper(left(md5(random()::text), 10)), location_id,
               zone_id, service_id, customer_id, property_id, 'scheduled', starts_at,
               starts_at + promise, starts_at, starts_at + work, 0, price_cents,
               currency, 'staff', '', '', 1, now, now
        FROM wish RETURNING *
    ), crew AS (
        INSERT INTO appointments_assignment (
            id, appointment_id, technician_id, status, is_lead, part, occupied_from,
            occupied_until, latitude, longitude, created_at, updated_at
        )
        SELECT uuidv7(), visit.id, %(technician)s::uuid, 'assigned', true, 0,
               visit.starts_at - before, visit.ends_at + after, latitude, longitude,
               now, now
        FROM visit, wish RETURNING *
    ), event AS (
        INSERT INTO core_event (
            name, aggregate_type, aggregate_id, number, location_id, data, actor_role,
            actor_label, reason, request_id, occurred_at
        )
        SELECT 'appointment.booked', 'appointment', visit.id, 1, visit.location_id,
               jsonb_build_object(
                   'id', visit.id, 'reference', visit.reference, 'version', 1,
                   'status', visit.status, 'location', visit.location_id,
                   'service', code, 'customer', visit.customer_id,
                   'property', visit.property_id, 'lead', NULL,
                   'technicians', jsonb_build_array(crew.technician_id),
                   'window_starts_at', window_starts_at,
                   'window_ends_at', window_ends_at, 'starts_at', visit.starts_at,
                   'ends_at', visit.ends_at, 'time_zone', time_zone, 'sequence', 0
               ), 'admin', 'Bench', '', '', now
        FROM visit, crew, wish
    )
    SELECT visit.id, visit.reference, window_starts_at, window_ends_at,
           visit.starts_at, visit.ends_at, visit.created_at, code, service_name,
           booking_mode, visit.price_cents, visit.currency, visit.location_id,
           location_name, time_zone, visit.customer_id, customer_name,
           visit.property_id, line1, line2, city, region, postal_code, wish.latitude,
           wish.longitude, technician.id, technician.name
    FROM visit, crew, wish, technicians_technician AS technician
    WHERE technician.id = crew.technician_id
"""


def book(connection: psycopg.Connection[Any], _: dict[str, str], body: bytes) -> Any:
    """Book, and return the visit."""
    row = connection.execute(BOOK, json.loads(body)).fetchone()
    if row is None:
        raise LookupError(body)
    zone = zone_of(row[14])
    opens: datetime = row[2].astimezone(zone)
    closes: datetime = row[3].astimezone(zone)
    return {
        "id": str(row[0]),
        "reference": row[1],
        "status": "scheduled",
        "version": 1,
        "service": {"code": row[7], "name": row[8]},
        "location": {"id": str(row[12]), "name": row[13]},
        "window_starts_at": opens.isoformat(),
        "window_ends_at": closes.isoformat(),
        "time_zone": row[14],
        "display": arrival_text(opens, closes, is_window=row[9] == "window"),
        "customer": {"id": str(row[15]), "name": row[16]},
        "property": {
            "id": str(row[17]),
            "line1": row[18],
            "line2": row[19],
            "city": row[20],
            "region": row[21],
            "postal_code": row[22],
            "latitude": row[23],
            "longitude": row[24],
        },
        "lead": None,
        "starts_at": row[4].astimezone(zone).isoformat(),
        "ends_at": row[5].astimezone(zone).isoformat(),
        "technicians": [
            {
                "id": str(row[25]),
                "name": row[26],
                "status": "assigned",
                "is_lead": True,
            }
        ],
        "sequence": 0,
        "price_cents": row[10],
        "currency": row[11],
        "source": "staff",
        "notes": "",
        "cancellation_reason": "",
        "created_at": utc_text(row[6]),
        "updated_at": utc_text(row[6]),
    }

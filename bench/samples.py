"""What is asked of the programs: requests made from the data, the same every time."""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg

from bench.load import Request

Rows = psycopg.Connection[Any]

# Branches that the large scale added: their crews work every day, the data has no
# exceptions there, and 25 technicians each.
BRANCHES = ("charlotte", "sacramento", "indianapolis", "detroit", "boise")
# A ZIP of no place: visits there have no coordinates, so nobody travels.
NOWHERE = {branch: f"0000{number}" for number, branch in enumerate(BRANCHES)}
SERVICE = "ac-tune-up"
BOOKED = "filter-change"
DAYS = 7
_PAGES = 64
_FULL_PAGE = 51


@dataclass(frozen=True, kw_only=True)
class Samples:
    """The requests of each scenario."""

    pages: Sequence[Request]
    weeks: Sequence[Request]
    weeks_with_travel: Sequence[Request]
    months: Sequence[Request]
    branch_days: Sequence[Request]
    company_days: Sequence[Request]


def prepare(rows: Rows) -> None:
    """Add what the demo has not: ZIPs without a place, and addresses there."""
    for branch, postal_code in NOWHERE.items():
        rows.execute(
            "INSERT INTO core_zonezip (zone_id, postal_code)"
            " SELECT zone.id, %s FROM core_zone AS zone"
            " JOIN core_location AS branch ON branch.id = location_id"
            " WHERE branch.code = %s ORDER BY zone.id LIMIT 1",
            (postal_code, branch),
        )


def draw(rows: Rows, *, token: str) -> Samples:
    """Return the requests; staff show the token."""
    staff = {"Authorization": f"Bearer {token}"}
    today = datetime.now(UTC).date()
    asked = {"service": SERVICE, "from": today + timedelta(days=2)}
    places = dict(
        rows.execute(
            "SELECT branch.code, min(zip.postal_code) FROM core_zonezip AS zip"
            " JOIN core_zone AS zone ON zone.id = zip.zone_id"
            " JOIN core_location AS branch ON branch.id = zone.location_id"
            " WHERE zip.postal_code > '00100' GROUP BY 1"
        ).fetchall()
    )
    days = {"date": today, "days": DAYS}
    return Samples(
        pages=[
            _get(
                "appointments",
                staff,
                location=branch,
                starts_after=f"{day}T00:00:00Z",
                starts_before=f"{day + timedelta(days=1)}T00:00:00Z",
            )
            for branch, day in _full_days(rows)
        ],
        weeks=[
            _get("availability", {}, **asked, days=DAYS, postal_code=NOWHERE[branch])
            for branch in BRANCHES
        ],
        weeks_with_travel=[
            _get("availability", {}, **asked, days=DAYS, postal_code=places[branch])
            for branch in BRANCHES
        ],
        months=[
            _get("availability", {}, **asked, days=30, postal_code=NOWHERE[branch])
            for branch in BRANCHES
        ],
        branch_days=[
            _get("dashboard", staff, **days, location=key)
            for (key,) in rows.execute(
                "SELECT id FROM core_location WHERE code = ANY(%s) ORDER BY code",
                (list(BRANCHES),),
            ).fetchall()
        ],
        company_days=[_get("dashboard", staff, **days)],
    )


def _get(path: str, headers: dict[str, str], **query: object) -> Request:
    words = "&".join(f"{name}={value}" for name, value in query.items())
    return Request(path=f"/api/v1/{path}?{words}", headers=headers)


def _full_days(rows: Rows) -> list[Any]:
    """Return branches and days on which a page is full, from all of the past."""
    return rows.execute(
        "SELECT location_id, day FROM ("
        "  SELECT location_id, (starts_at AT TIME ZONE 'UTC')::date AS day, count(*)"
        "  FROM appointments_appointment WHERE starts_at < now() GROUP BY 1, 2"
        ") AS days WHERE count >= %s ORDER BY md5(location_id::text || day) LIMIT %s",
        (_FULL_PAGE, _PAGES),
    ).fetchall()


@dataclass(frozen=True, kw_only=True)
class Wish:
    """A visit that can be booked: its technician is free right from its start."""

    service: str
    property_id: str
    technician_id: str
    starts_at: datetime

    def request(self, token: str, *, technician: bool, key: bool) -> Request:
        """Return the call that books it."""
        body = {
            "service": self.service,
            "property": self.property_id,
            "starts_at": self.starts_at.isoformat(),
        }
        if technician:
            body["technician"] = self.technician_id
        headers = {"Authorization": f"Bearer {token}"}
        if key:
            headers["Idempotency-Key"] = str(uuid4())
        return Request(
            path="/api/v1/appointments",
            method="POST",
            headers=headers,
            body=json.dumps(body).encode(),
        )


def wishes(rows: Rows, *, service: str, located: bool) -> list[Wish]:
    """Return all bookable starts of windows, at addresses that have coordinates.

    Or have none: then the addresses are moved to the ZIPs of no place first.
    """
    room = _ROOM_TO_DRIVE if located else timedelta()
    found = rows.execute(_WISHES, {"service": service, "room": room}).fetchall()
    addresses = {
        branch: [
            str(key)
            for (key,) in rows.execute(
                _HOMES if located else _MOVED, {"branch": branch, "zip": postal_code}
            ).fetchall()
        ]
        for branch, postal_code in NOWHERE.items()
    }
    dice = random.Random(1)  # noqa: S311  # no secret
    made = [
        Wish(
            service=service,
            property_id=dice.choice(addresses[branch]),
            technician_id=str(technician),
            starts_at=starts_at,
        )
        for branch, technician, starts_at in found
    ]
    dice.shuffle(made)
    return made


# From one end of a town to the other.
_ROOM_TO_DRIVE = timedelta(minutes=100)
# Free for the whole of it, the buffer included, right when a window opens, and with
# room to drive before and after.
_WISHES = """
    SELECT branch.code, technician.id, opens
    FROM core_location AS branch
    JOIN technicians_technician AS technician
        ON technician.location_id = branch.id AND technician.is_active
    JOIN appointments_service AS service ON service.code = %(service)s
    CROSS JOIN generate_series(2, horizon_days - 2) AS ahead
    JOIN technicians_weeklyshift AS weekly
        ON weekly.technician_id = technician.id
       AND weekday = extract(isodow FROM current_date + ahead) - 1
    CROSS JOIN LATERAL (
        SELECT (current_date + ahead + time '07:00' + step * interval '2 hours')
            AT TIME ZONE time_zone AS opens FROM generate_series(0, 5) AS step
    ) AS window_
    WHERE branch.code IN (
        'charlotte', 'sacramento', 'indianapolis', 'detroit', 'boise'
    )
    AND opens - %(room)s >= (current_date + ahead + starts) AT TIME ZONE time_zone
    AND opens + make_interval(mins => duration_minutes) + %(room)s
        <= (current_date + ahead + ends) AT TIME ZONE time_zone
    AND NOT EXISTS (
        SELECT FROM appointments_assignment AS crew
        WHERE crew.technician_id = technician.id AND released_at IS NULL
          AND occupied_from > opens - interval '12 hours'
          AND occupied_from < opens + %(room)s
              + make_interval(mins => duration_minutes + buffer_after_minutes)
          AND occupied_until
              > opens - %(room)s - make_interval(mins => buffer_before_minutes)
    )
    AND NOT EXISTS (
        SELECT FROM technicians_timeoff AS away
        WHERE away.technician_id = technician.id AND ends_at > opens
          AND starts_at < opens + interval '4 hours'
    )
    AND NOT EXISTS (
        SELECT FROM core_holiday WHERE date = current_date + ahead
        AND (core_holiday.location_id = branch.id OR core_holiday.location_id IS NULL)
    )
    ORDER BY technician.id, opens
"""
_HOMES = """
    SELECT place.id FROM leads_property AS place
    JOIN core_zonezip AS zip ON zip.postal_code = place.postal_code
    JOIN core_zone AS zone ON zone.id = zip.zone_id
    JOIN core_location AS branch ON branch.id = zone.location_id
    WHERE branch.code = %(branch)s AND place.latitude IS NOT NULL
    ORDER BY place.id LIMIT 2000
"""
_MOVED = """
    UPDATE leads_property
    SET postal_code = %(zip)s, latitude = NULL, longitude = NULL
    WHERE id IN (_HOMES) RETURNING id
""".replace("_HOMES", _HOMES)

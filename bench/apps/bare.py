"""The barest program that gives the same answers: one statement, dicts, orjson.

No framework, no authentication, no limits, no checks of what comes in: a request of
the bench is known to be well-formed. The floor that ours is held against.
"""

import os
import threading
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qsl

import orjson
import psycopg

from bench.apps import bare_availability, bare_booking, bare_dashboard, bare_list

Page = Callable[[psycopg.Connection[Any], dict[str, str], bytes], Any]

_local = threading.local()


def _ping(connection: object, query: object, body: object) -> Any:
    return {"status": "ok"}


PAGES: dict[tuple[str, str], tuple[str, Page]] = {
    ("GET", "/api/v1/ping"): ("200 OK", _ping),
    ("GET", "/api/v1/appointments"): ("200 OK", bare_list.page),
    ("GET", "/api/v1/availability"): ("200 OK", bare_availability.slots),
    ("GET", "/api/v1/dashboard"): ("200 OK", bare_dashboard.figures),
    ("POST", "/api/v1/appointments"): ("201 Created", bare_booking.book),
}


def application(
    environ: dict[str, Any], start_response: Callable[..., Any]
) -> Iterable[bytes]:
    """Answer a request."""
    status, answer = PAGES[environ["REQUEST_METHOD"], environ["PATH_INFO"]]
    query = dict(parse_qsl(environ["QUERY_STRING"]))
    length = int(environ.get("CONTENT_LENGTH") or 0)
    body = environ["wsgi.input"].read(length) if length else b""
    try:
        found = answer(_connection(), query, body)
    except psycopg.errors.ExclusionViolation:
        status, found = "409 Conflict", {"code": "slot_unavailable"}
    text = orjson.dumps(found)
    start_response(
        status,
        [("Content-Type", "application/json"), ("Content-Length", str(len(text)))],
    )
    return [text]


def _connection() -> psycopg.Connection[Any]:
    """Return this thread's connection, which stays open."""
    known: psycopg.Connection[Any] | None = getattr(_local, "connection", None)
    if known is None or known.closed:
        known = _local.connection = psycopg.connect(
            os.environ["DATABASE_URL"],
            autocommit=True,
            prepare_threshold=1,
            options="-c timezone=UTC",
        )
    return known

"""What a job of Housecall Pro is about: the lines of its bill, and its type."""

from typing import Any

from integrations.sandbox.housecallpro.books import Row, new_id, whole
from integrations.sandbox.housecallpro.refusals import invalid, malformed, not_found

LINES = "line_items"
# A job is made with ids, and tells of each its name too.
JOB_TYPES = {"jbt_repair": "AC Repair", "jbt_tune_up": "AC Tune-Up"}
BUSINESS_UNITS = {"bsu_install": "HVAC Install", "bsu_service": "HVAC Service"}


def read_lines(body: Row) -> Row:
    """Return the members of a job that follow from its lines.

    A job is described by the name of its first line.

    Raises:
        Refusal: 400 or 422.
    """
    items = body.get(LINES) or []
    if not all(isinstance(item, dict) and item.get("name") for item in items):
        raise invalid(line_items="name can't be blank")
    total = sum(
        whole(item, "unit_price") * whole(item, "quantity", default=1) for item in items
    )
    return {
        LINES: [{"id": new_id("rli"), "kind": "labor", **item} for item in items],
        "description": items[0]["name"] if items else "",
        "total_amount": total,
        "outstanding_balance": total,
    }


def read_fields(body: Row) -> Row:
    """Return a job's type and business unit, each with its name.

    Raises:
        Refusal: 400 or 404.
    """
    given = body.get("job_fields") or {}
    if not isinstance(given, dict):
        raise malformed("job_fields")
    job_type = _named(given.get("job_type_id"), JOB_TYPES, "Job type")
    unit = _named(given.get("business_unit_id"), BUSINESS_UNITS, "Business unit")
    return {"job_fields": {"job_type": job_type, "business_unit": unit}}


def _named(number: Any, names: dict[str, str], title: str) -> Row | None:
    if number is None:
        return None
    if number not in names:
        raise not_found(title)
    return {"id": number, "name": names[number]}

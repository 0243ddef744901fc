"""The two sides' books, put in order for comparing."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from appointments.models import Assignment
from integrations.models import ExternalLink
from integrations.sandbox.world import World
from tests.chaos.town import rows_of

_KEY = "fieldbook_ref"


def twice(many: Iterable[Any]) -> list[Any]:
    """Return what stands there more than once."""
    return [each for each, times in Counter(many).items() if times > 1]


def by_reference(
    rows: Iterable[dict[str, Any]], *, taken_in: Mapping[str, str]
) -> dict[str, list[dict[str, Any]]]:
    """Return rows by what our application keeps with them, or took in as what."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        kept = [value for app in row["_external"].values() for value in _values(app)]
        otherwise = taken_in.get(str(row["id"]), f"without a reference: {row['id']}")
        found[kept[0] if kept else otherwise].append(row)
    return found


def taken_in(remote_type: str) -> dict[str, UUID]:
    """Return our ids of what was made there, by theirs."""
    rows = ExternalLink.objects.filter(origin="taken_in", remote_type=remote_type)
    return dict(rows.values_list("remote_id", "object_id"))


def _values(app: Any) -> list[str]:
    if isinstance(app, dict):
        return [str(app[_KEY])] if _KEY in app else []
    return [str(pair["value"]) for pair in app if pair.get("key") == _KEY]


def their_crews(world: World) -> dict[int, set[str]]:
    """Return who is on each appointment there."""
    crews: dict[int, set[str]] = defaultdict(set)
    for row in rows_of(world, "assignments"):
        if row.get("active", True):
            crews[row["appointmentId"]].add(str(row["technicianId"]))
    return crews


def our_crews() -> dict[Any, set[str]]:
    """Return the crew of each visit, by the ids of theirs."""
    links = ExternalLink.objects.filter(object_type="technician")
    ids = {link.object_id: link.remote_id for link in links}
    crews: dict[Any, set[str]] = defaultdict(set)
    rows = Assignment.objects.filter(released_at=None)
    for visit, technician in rows.values_list("appointment_id", "technician_id"):
        crews[visit].add(ids.get(technician, f"unknown {technician}"))
    return crews

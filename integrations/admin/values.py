"""How the values of a conflict look to staff: by the clock and the names they know."""

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from core.admin.display import moment_text
from technicians.models import Technician

_NOBODY = "Nobody"


def value_text(
    value: Any, *, field: str, zone: ZoneInfo, names: Mapping[str, str] | None = None
) -> str:
    """Return a value of `integrations.rules.things.Fields`; the crew counted or named.

    `names` are those of technicians, by id.
    """
    if value is None or value == "":
        return "-"
    if field == "technicians" and isinstance(value, list):
        return _crew_text(value, names)
    if isinstance(value, str):
        return _moment_or_text(value, zone)
    return json.dumps(value, ensure_ascii=False)


def names_of(ids: Iterable[str]) -> dict[str, str]:
    """Return the names of technicians, by id; ids of theirs have none here."""
    own = []
    for each in ids:
        with suppress(ValueError):
            own.append(UUID(each))
    rows = Technician.objects.filter(pk__in=own).values_list("pk", "name")
    return {str(pk): name for pk, name in rows}


def _crew_text(ids: list[str], names: Mapping[str, str] | None) -> str:
    if not ids:
        return _NOBODY
    if names is None:
        return f"{len(ids)} technician{'s' if len(ids) > 1 else ''}"
    return ", ".join(names.get(each, each) for each in ids)


def _moment_or_text(value: str, zone: ZoneInfo) -> str:
    if not value.endswith("Z"):
        return value
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return value
    return moment_text(moment, zone=zone)

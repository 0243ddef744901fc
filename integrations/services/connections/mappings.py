"""Which field is which at a vendor: data that an admin may change."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from dataclasses import field as filled
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from core.actors import Actor
from core.errors import FieldError, Invalid
from integrations.connectors.port import Connector
from integrations.models import Connection, FieldMapping
from integrations.services.connections.keeping import locked, offered, save, tell


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingForm:
    """One field of ours at a vendor, as it shall be."""

    object_type: str
    field: str
    remote: str
    direction: str = "both"
    winner: str = "ours"
    choices: Mapping[str, Any] = filled(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.object_type}.{self.field}"


@transaction.atomic
def set_mappings(
    *,
    connection_id: UUID,
    forms: Iterable[MappingForm],
    actor: Actor,
    now: datetime,
    expected_version: int | None = None,
) -> Connection:
    """Replace the whole mapping of a connection. A field left out is not synced.

    Emits:
        connection.mapping_changed
    Raises:
        Invalid: a field is named twice, or of a kind that the vendor is not told of.
        VendorNotOffered, VersionConflict, NotFound
    """
    connection = locked(connection_id, actor=actor, expected_version=expected_version)
    wanted = _checked(list(forms), connector=offered(connection.vendor))
    present = {
        f"{row.object_type}.{row.field}": row
        for row in FieldMapping.objects.filter(connection=connection)
    }
    gone = sorted(present.keys() - wanted.keys())
    FieldMapping.objects.filter(pk__in=[present[name].pk for name in gone]).delete()
    changed = [
        name
        for name, form in wanted.items()
        if _store(form, row=present.get(name), connection=connection)
    ]
    if gone or changed:
        save(connection)
        tell(
            "mapping_changed",
            connection,
            actor=actor,
            now=now,
            changed=changed,
            removed=gone,
        )
    return connection


def _checked(
    forms: list[MappingForm], *, connector: Connector
) -> dict[str, MappingForm]:
    kinds = connector.kinds | {mapped.kind for mapped in connector.mapping}
    faults: list[FieldError] = []
    wanted: dict[str, MappingForm] = {}
    for number, form in enumerate(forms):
        if form.object_type not in kinds:
            pointer = f"/mappings/{number}/object_type"
            detail = f"Known here: {', '.join(sorted(kinds))}."
            faults.append(FieldError(pointer=pointer, code="unknown", detail=detail))
        if form.name in wanted:
            pointer = f"/mappings/{number}/field"
            detail = "This field is mapped already."
            faults.append(FieldError(pointer=pointer, code="repeated", detail=detail))
        wanted[form.name] = form
    if faults:
        raise Invalid(faults)
    return wanted


def _store(
    form: MappingForm, *, row: FieldMapping | None, connection: Connection
) -> bool:
    """Write one row if it is new or different; tell whether it was."""
    values = {
        "remote": form.remote,
        "direction": form.direction,
        "winner": form.winner,
        "choices": dict(form.choices),
    }
    if row is not None:
        if all(getattr(row, name) == value for name, value in values.items()):
            return False
        FieldMapping.objects.filter(pk=row.pk).update(**values)
        return True
    FieldMapping.objects.create(
        connection=connection,
        object_type=form.object_type,
        field=form.field,
        **values,
    )
    return True

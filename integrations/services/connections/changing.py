"""Add, change and remove connections."""

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as filled
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from core.actors import Actor
from core.db import on_breach
from core.models import Location
from core.services import call_off_all
from integrations.models import Connection, ConnectionHealth, FieldMapping
from integrations.services.calling import credentials_of
from integrations.services.connections.answers import changed_answers, first_answers
from integrations.services.connections.inbound import give_new_token, new_secret
from integrations.services.connections.keeping import (
    locked,
    offered,
    save,
    sealed,
    tell,
)
from integrations.services.connections.refusals import ConnectionExists

_UNIQUE = "connection_name_is_unique_per_vendor"
_PLAIN = ("name", "location", "calls_per_second")


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionForm:
    """What a new connection is made of: answers to its connector's questions.

    Where the vendor makes the secret that signs its callbacks, it is given here, or
    later by `rotate_inbound_secret`.
    """

    vendor: str
    name: str
    settings: Mapping[str, Any] = filled(default_factory=dict)
    credentials: Mapping[str, Any] = filled(default_factory=dict)
    location: Location | None = None
    calls_per_second: float | None = None
    inbound_secret: str = ""


@transaction.atomic
def create_connection(
    *, form: ConnectionForm, actor: Actor, now: datetime
) -> Connection:
    """Connect a vendor, with the mapping that its connector begins with.

    Emits:
        connection.created
    Raises:
        Invalid: an answer to the vendor's questions is missing or wrong.
        VendorNotOffered, ConnectionExists
    """
    connector = offered(form.vendor)
    seen, secret = first_answers(
        connector, settings=form.settings, credentials=form.credentials
    )
    connection = Connection(
        vendor=form.vendor,
        name=form.name,
        location=form.location,
        settings=seen,
        credentials=sealed(secret),
        calls_per_second=form.calls_per_second,
        inbound_secret=form.inbound_secret or new_secret(),
    )
    give_new_token(connection)
    with on_breach(_UNIQUE, ConnectionExists(f"{form.name} is taken.")):
        connection.save(force_insert=True)
    ConnectionHealth.objects.create(connection=connection)
    FieldMapping.objects.bulk_create(
        FieldMapping(
            connection=connection,
            object_type=mapped.kind,
            field=mapped.field,
            remote=mapped.remote,
            direction=mapped.direction,
            winner=mapped.winner,
            choices=dict(mapped.choices),
        )
        for mapped in connector.mapping
    )
    tell("created", connection, actor=actor, now=now)
    return connection


@transaction.atomic
def update_connection(
    *,
    connection_id: UUID,
    changes: Mapping[str, Any],
    actor: Actor,
    now: datetime,
    expected_version: int | None = None,
) -> Connection:
    """Change name, location, calls_per_second, settings or credentials.

    Of settings and credentials only what is given changes; an empty text takes one
    away. What the vendor thinks of it, `check_connection` tells.

    Emits:
        connection.updated
    Raises:
        Invalid, ConnectionExists, VersionConflict, NotFound
    """
    connection = locked(connection_id, actor=actor, expected_version=expected_version)
    changed = _change_answers(connection, changes)
    for name in _PLAIN:
        if name in changes and getattr(connection, name) != changes[name]:
            setattr(connection, name, changes[name])
            changed.append(name)
    if changed:
        with on_breach(_UNIQUE, ConnectionExists(f"{connection.name} is taken.")):
            save(connection)
        tell("updated", connection, actor=actor, now=now, changed=changed)
    return connection


@transaction.atomic
def delete_connection(
    *,
    connection_id: UUID,
    actor: Actor,
    now: datetime,
    expected_version: int | None = None,
) -> None:
    """Remove a connection with all that it knows, and call off what waits for it.

    Emits:
        connection.deleted
    Raises:
        VersionConflict, NotFound
    """
    connection = locked(connection_id, actor=actor, expected_version=expected_version)
    call_off_all(destination=str(connection.pk))
    tell("deleted", connection, actor=actor, now=now)
    connection.delete()


def _change_answers(connection: Connection, changes: Mapping[str, Any]) -> list[str]:
    """Change settings and credentials; return what is different, by name."""
    if "settings" not in changes and "credentials" not in changes:
        return []
    before = (connection.settings, credentials_of(connection))
    after = changed_answers(
        offered(connection.vendor),
        had=before,
        settings=changes.get("settings", {}),
        credentials=changes.get("credentials", {}),
    )
    connection.settings = after[0]
    if after[1] != before[1]:
        connection.credentials = sealed(after[1])
    return [
        *_differing("settings", before[0], after[0]),
        *_differing("credentials", before[1], after[1]),
    ]


def _differing(
    place: str, before: Mapping[str, Any], after: Mapping[str, Any]
) -> list[str]:
    """Return what is different, by name; the values stay here."""
    return [
        f"{place}.{name}"
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    ]

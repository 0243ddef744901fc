"""What all changes of a connection share: lock it, store it, say what happened."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from core.actors import Actor
from core.errors import NotFound, VersionConflict
from core.events import emit
from integrations.connectors.port import Connector
from integrations.connectors.registry import NoConnector, connector_of
from integrations.models import Connection
from integrations.services.connections.refusals import VendorNotOffered


def locked(
    connection_id: UUID, *, actor: Actor, expected_version: int | None = None
) -> Connection:
    """Lock a connection that the actor may see.

    Raises:
        VersionConflict, NotFound
    """
    visible = Connection.objects.visible_to(actor)
    connection = (
        visible.select_for_update(of=("self",)).filter(pk=connection_id).first()
    )
    if connection is None:
        raise NotFound
    if expected_version is not None and expected_version != connection.version:
        raise VersionConflict(
            f"The connection is at version {connection.version}.", current=connection
        )
    return connection


def offered(vendor: str) -> Connector:
    """Return the connector of a vendor.

    Raises:
        VendorNotOffered
    """
    try:
        return connector_of(vendor)
    except NoConnector as error:
        raise VendorNotOffered(f"Nobody here speaks to {vendor}.") from error


def sealed(credentials: Mapping[str, str]) -> str:
    """Return credentials as the field takes them, which encrypts them."""
    return json.dumps(dict(credentials), sort_keys=True) if credentials else ""


def save(connection: Connection) -> None:
    """Store a locked connection as its next version."""
    connection.version += 1
    connection.save()


def tell(
    name: str,
    connection: Connection,
    *,
    actor: Actor,
    now: datetime,
    reason: str = "",
    **data: Any,
) -> None:
    """Say what happened to a connection; what it keeps secret is nobody's business."""
    emit(
        f"connection.{name}",
        of=("connection", connection.pk),
        actor=actor,
        now=now,
        reason=reason,
        location_id=connection.location_id,
        data={"vendor": connection.vendor, "name": connection.name, **data},
    )

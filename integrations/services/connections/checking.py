"""Try a connection out, and give it new credentials."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from django.db import transaction

from core.actors import Actor
from core.errors import NotFound, Unavailable
from integrations.models import Connection, ConnectionHealth
from integrations.rules.refusals import CallFailed, NotAllowed, Refused
from integrations.services.calling import VendorCaller, credentials_of
from integrations.services.connections.answers import changed_answers
from integrations.services.connections.keeping import locked, offered, sealed, tell
from integrations.services.connections.refusals import ConnectionRefused
from integrations.services.connections.standing import activate

log = structlog.get_logger(__name__)

# Somebody sits before the screen.
_SECONDS = 10.0
# What a connector stumbles over when an answer is not what the vendor promised.
_UNEXPECTED = (LookupError, TypeError, ValueError, AttributeError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What came of trying a connection out."""

    is_ok: bool
    said: str
    status: int | None = None
    failure: CallFailed | None = None


def check_connection(*, connection_id: UUID, actor: Actor, now: datetime) -> Check:
    """Ask the vendor whether it knows us, changing nothing there; it always answers.

    It asks even while the breaker is open: a person wants to know now.

    Emits:
        connection.checked
    Raises:
        VendorNotOffered, NotFound
    """
    visible = Connection.objects.visible_to(actor)
    connection = visible.filter(pk=connection_id).first()
    if connection is None:
        raise NotFound
    check = _tried(connection)
    with transaction.atomic():
        connection = locked(connection_id, actor=actor)
        tell(
            "checked",
            connection,
            actor=actor,
            now=now,
            ok=check.is_ok,
            said=check.said,
        )
    return check


def reauthorise_connection(
    *,
    connection_id: UUID,
    credentials: Mapping[str, Any],
    actor: Actor,
    now: datetime,
    expected_version: int | None = None,
) -> Connection:
    """Give a connection new credentials, if the vendor takes them, and use it again.

    What was parked goes out, the oldest first.

    Emits:
        connection.reauthorised
    Raises:
        ConnectionRefused: the vendor does not take them; nothing was changed.
        Unavailable: the vendor does not answer; nothing was changed.
        Invalid, VendorNotOffered, VersionConflict, NotFound
    """
    with transaction.atomic():
        found = locked(connection_id, actor=actor, expected_version=expected_version)
        tried = _with_credentials(found, credentials)
    _insist_on(_tried(tried))
    with transaction.atomic():
        connection = locked(connection_id, actor=actor, expected_version=found.version)
        connection.credentials = tried.credentials
        waiting = activate(connection)
        _forget_failures(connection)
        tell("reauthorised", connection, actor=actor, now=now, let_go=waiting)
    return connection


def _with_credentials(
    connection: Connection, credentials: Mapping[str, Any]
) -> Connection:
    """Return the connection as it would be; it is not saved."""
    _, secret = changed_answers(
        offered(connection.vendor),
        had=(connection.settings, credentials_of(connection)),
        settings={},
        credentials=credentials,
    )
    tried = copy.copy(connection)
    tried.credentials = sealed(secret)
    return tried


def _insist_on(check: Check) -> None:
    if check.is_ok:
        return
    if isinstance(check.failure, NotAllowed | Refused):
        raise ConnectionRefused(check.said)
    raise Unavailable(f"The vendor could not be asked: {check.said}")


def _tried(connection: Connection) -> Check:
    connector = offered(connection.vendor)
    call = VendorCaller(
        connection=connection, connector=connector, seconds=_SECONDS, insists=True
    )
    try:
        return Check(is_ok=True, said=connector.check(call))
    except CallFailed as failure:
        return Check(
            is_ok=False, said=str(failure), status=failure.status, failure=failure
        )
    except _UNEXPECTED:
        log.exception("connection_check_failed", connection=str(connection.pk))
        return Check(is_ok=False, said="The vendor's answer was not understood.")


def _forget_failures(connection: Connection) -> None:
    """Begin anew: what failed, failed for credentials that are gone."""
    fresh = ConnectionHealth(connection=connection)
    names = (
        *("breaker", "window", "failures_in_row", "successes_in_row", "open_seconds"),
        *("reopens_at", "probe_token", "probe_until", "failing_since"),
    )
    ConnectionHealth.objects.filter(pk=connection.pk).update(
        **{name: getattr(fresh, name) for name in names}
    )

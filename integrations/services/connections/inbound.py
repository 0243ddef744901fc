"""What a vendor needs to call us: a URL that nobody guesses, and a signing secret."""

import hashlib
import secrets
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction

from core.actors import Actor
from integrations.models import Connection
from integrations.services.connections.keeping import locked, save, tell

# So long both secrets are taken.
OVERLAP = timedelta(hours=24)
_BYTES = 32


def hash_of_token(token: str) -> str:
    """Return what a token of the URL is looked up by."""
    return hashlib.sha256(token.encode()).hexdigest()


def inbound_path(connection: Connection) -> str:
    """Return the path that the vendor is to call; its last part is the token."""
    return f"/api/v1/webhooks/{connection.vendor}/{connection.inbound_token}"


def inbound_url(connection: Connection) -> str:
    """Return what to tell the vendor; without `PUBLIC_BASE_URL` only the path."""
    if not connection.inbound_token:
        return ""
    base: str = settings.PUBLIC_BASE_URL
    return base + inbound_path(connection)


def new_secret() -> str:
    """Return a secret to sign callbacks with, for vendors that let us choose."""
    return secrets.token_urlsafe(_BYTES)


def give_new_token(connection: Connection) -> None:
    """Change the URL that the vendor calls, without saving it."""
    connection.inbound_token = secrets.token_urlsafe(_BYTES)
    connection.inbound_token_hash = hash_of_token(connection.inbound_token)


@transaction.atomic
def rotate_inbound_secret(
    *,
    connection_id: UUID,
    actor: Actor,
    now: datetime,
    secret: str = "",
    expected_version: int | None = None,
) -> Connection:
    """Take callbacks signed with a new secret, and with the old one for 24 hours.

    Without `secret`, which is what the vendor made, we make one.

    Emits:
        connection.secret_rotated
    Raises:
        VersionConflict, NotFound
    """
    connection = locked(connection_id, actor=actor, expected_version=expected_version)
    if connection.inbound_secret:
        connection.previous_secret = connection.inbound_secret
        connection.previous_secret_until = now + OVERLAP
    connection.inbound_secret = secret or new_secret()
    save(connection)
    tell("secret_rotated", connection, actor=actor, now=now)
    return connection


@transaction.atomic
def rotate_inbound_token(
    *,
    connection_id: UUID,
    actor: Actor,
    now: datetime,
    expected_version: int | None = None,
) -> Connection:
    """Change the URL that the vendor calls; the old one is dead at once.

    Emits:
        connection.token_rotated
    Raises:
        VersionConflict, NotFound
    """
    connection = locked(connection_id, actor=actor, expected_version=expected_version)
    give_new_token(connection)
    save(connection)
    tell("token_rotated", connection, actor=actor, now=now)
    return connection

"""Connections, and vendors that call them back: signed by the book, not by our code."""

from typing import Any

from core.ids import uuid7
from integrations.models import Connection, ConnectionHealth
from integrations.services.connections import hash_of_token

SECRET = "a-secret-that-both-sides-know"


def make_connection(vendor: str, **given: Any) -> Connection:
    """Make a connection that can be called back under a token of its own."""
    token = f"token-{uuid7()}"
    fields = {"name": token, "inbound_secret": SECRET, "inbound_token": token}
    connection = Connection.objects.create(
        vendor=vendor, inbound_token_hash=hash_of_token(token), **fields | given
    )
    ConnectionHealth.objects.create(connection=connection)
    return connection

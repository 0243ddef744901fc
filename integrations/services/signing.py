"""Secrets of endpoints, and the signatures made with them (Standard Webhooks)."""

import base64
import secrets
from datetime import UTC, datetime
from uuid import UUID

from standardwebhooks import Webhook

_BYTES = 32


def new_secret() -> str:
    """Return a secret in the form that receivers' libraries take."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(_BYTES)).decode()


def message_id(*, key: UUID) -> str:
    """Return the id that receivers know a repetition by."""
    return f"msg_{key.hex}"


def signed_headers(
    *, name: str, body: bytes, keys: list[str], now: datetime
) -> dict[str, str]:
    """Return the headers that prove who sent `body`: a signature for each secret."""
    at = now.astimezone(UTC)  # the library takes any other zone's time for UTC
    signatures = [Webhook(each).sign(name, at, body.decode()) for each in keys]
    return {
        "webhook-id": name,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }

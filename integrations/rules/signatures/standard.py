"""Standard Webhooks 1.0.0: `webhook-signature: v1,BASE64` over `ID.SECONDS.BODY`."""

import base64
from collections.abc import Sequence
from datetime import datetime

from integrations.rules.signatures.callbacks import (
    Callback,
    Refusal,
    mac,
    outside_window,
    seconds_of,
    signed_with_any,
)

ID, STAMP, HEADER = "webhook-id", "webhook-timestamp", "webhook-signature"
_PREFIX = "whsec_"


def verify(
    callback: Callback, *, secrets: Sequence[str], now: datetime
) -> Refusal | None:
    """Check the proof; a secret is written as `whsec_` and base64."""
    name, stamp = callback.header(ID), callback.header(STAMP)
    given = callback.header(HEADER)
    if not given:
        return Refusal.UNSIGNED
    sent = seconds_of(stamp)
    if sent is None or not name or "." in name:
        return Refusal.UNREADABLE
    proofs = [
        proof
        for version, _, proof in (one.partition(",") for one in given.split())
        if version == "v1"
    ]
    message = f"{name}.{stamp}.".encode() + callback.body
    keys = {secret: key for secret in secrets if (key := _key(secret))}
    return signed_with_any(
        proofs,
        keys,
        lambda secret: base64.b64encode(mac(keys[secret], message)).decode(),
    ) or outside_window(sent, now=now)


def _key(secret: str) -> bytes:
    try:
        return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except ValueError:
        return b""

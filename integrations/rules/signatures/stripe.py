"""Stripe: `Stripe-Signature: t=SECONDS,v1=HEX[,v1=HEX]` over `SECONDS.BODY`."""

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

HEADER = "Stripe-Signature"


def verify(
    callback: Callback, *, secrets: Sequence[str], now: datetime
) -> Refusal | None:
    """Check the proof. Only v1 counts: v0 is for Stripe's own tests."""
    header = callback.header(HEADER)
    if not header:
        return Refusal.UNSIGNED
    parts = [part.strip().partition("=") for part in header.split(",")]
    stamps = [value for name, _, value in parts if name == "t"]
    sent = seconds_of(stamps[0]) if len(stamps) == 1 else None
    if sent is None:
        return Refusal.UNREADABLE
    message = b"%s.%s" % (stamps[0].encode(), callback.body)
    proofs = [value for name, _, value in parts if name == "v1"]
    return signed_with_any(
        proofs, secrets, lambda secret: mac(secret.encode(), message).hex()
    ) or outside_window(sent, now=now)

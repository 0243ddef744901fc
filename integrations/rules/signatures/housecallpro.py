"""Housecall Pro: `Api-Signature: HEX` over `Api-Timestamp.BODY`."""

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

HEADER = "Api-Signature"
STAMP = "Api-Timestamp"


def verify(
    callback: Callback, *, secrets: Sequence[str], now: datetime
) -> Refusal | None:
    """Check the proof."""
    proof, stamp = callback.header(HEADER), callback.header(STAMP)
    if not proof:
        return Refusal.UNSIGNED
    sent = seconds_of(stamp)
    if sent is None:
        return Refusal.UNREADABLE
    message = b"%s.%s" % (stamp.encode(), callback.body)
    return signed_with_any(
        [proof.lower()], secrets, lambda secret: mac(secret.encode(), message).hex()
    ) or outside_window(sent, now=now)

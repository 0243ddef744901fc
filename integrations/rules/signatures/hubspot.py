"""HubSpot: v3 signs method, URL, body and time; v1 and v2 are weaker and older."""

import base64
import hashlib
import re
from collections.abc import Sequence
from datetime import datetime
from urllib.parse import unquote

from integrations.rules.signatures.callbacks import (
    Callback,
    Refusal,
    mac,
    outside_window,
    seconds_of,
    signed_with_any,
)

HEADER = "X-HubSpot-Signature-v3"
STAMP = "X-HubSpot-Request-Timestamp"
OLD_HEADER = "X-HubSpot-Signature"
OLD_VERSION = "X-HubSpot-Signature-Version"
# Decoded before v3 signs the URL.
_DECODED = re.compile(r"%(3A|2F|3F|40|21|24|27|28|29|2A|2C|3B)", re.IGNORECASE)


def verify(
    callback: Callback,
    *,
    secrets: Sequence[str],
    now: datetime,
    old_versions: frozenset[str] = frozenset(),
) -> Refusal | None:
    """Check the proof; of `old_versions` those named are taken as well.

    They have no time stamp, so what is sent again later looks the same. Whoever sends
    a v3 is held to it.
    """
    if callback.header(HEADER):
        return _verify_v3(callback, secrets=secrets, now=now)
    version = callback.header(OLD_VERSION)
    if not callback.header(OLD_HEADER):
        return Refusal.UNSIGNED
    if version not in old_versions:
        return Refusal.UNKNOWN_SCHEME
    request = (callback.method + callback.url).encode() if version == "v2" else b""
    return signed_with_any(
        [callback.header(OLD_HEADER).lower()],
        secrets,
        lambda secret: hashlib.sha256(
            secret.encode() + request + callback.body
        ).hexdigest(),
    )


def _verify_v3(
    callback: Callback, *, secrets: Sequence[str], now: datetime
) -> Refusal | None:
    stamp = callback.header(STAMP)
    milliseconds = seconds_of(stamp)
    if milliseconds is None:
        return Refusal.UNREADABLE
    url = _DECODED.sub(lambda found: unquote(found[0]), callback.url)
    message = (callback.method + url).encode() + callback.body + stamp.encode()
    return signed_with_any(
        [callback.header(HEADER)],
        secrets,
        lambda secret: base64.b64encode(mac(secret.encode(), message)).decode(),
    ) or outside_window(milliseconds / 1000, now=now)

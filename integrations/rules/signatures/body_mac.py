"""An HMAC-SHA256 of the body in some header: ServiceTitan, GitHub and many others.

There is no time stamp, so what is sent again later looks the same.
"""

import base64
from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from integrations.rules.signatures.callbacks import (
    Callback,
    Refusal,
    mac,
    signed_with_any,
)

Encoding = Literal["hex", "base64", "either"]


def verify(
    callback: Callback,
    *,
    secrets: Sequence[str],
    now: datetime,
    header: str,
    encoding: Encoding = "either",
    prefix: str = "",
) -> Refusal | None:
    """Check the proof in `header`, which begins with `prefix`."""
    given = callback.header(header)
    if not given:
        return Refusal.UNSIGNED
    if not given.startswith(prefix):
        return Refusal.UNREADABLE
    proof = given.removeprefix(prefix)
    as_hex = signed_with_any(
        [proof.lower()],
        secrets,
        lambda secret: mac(secret.encode(), callback.body).hex(),
    )
    as_base64 = signed_with_any(
        [proof],
        secrets,
        lambda secret: base64.b64encode(mac(secret.encode(), callback.body)).decode(),
    )
    if encoding == "either":
        return as_hex and as_base64
    return as_hex if encoding == "hex" else as_base64

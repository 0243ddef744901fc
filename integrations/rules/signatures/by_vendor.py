"""Which vendor proves itself how, and what of that a connection may set."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from integrations.rules.signatures import (
    body_mac,
    form_mac,
    housecallpro,
    standard,
    stripe,
)
from integrations.rules.signatures.body_mac import Encoding
from integrations.rules.signatures.callbacks import Callback, Refusal

SERVICETITAN_HEADER = "X-ServiceTitan-Signature"
_ENCODINGS = ("hex", "base64", "either")
_SCHEMES = {
    "housecallpro": housecallpro.verify,
    "standard": standard.verify,
    "stripe": stripe.verify,
    "twilio": form_mac.verify_twilio,
}


def verify(
    vendor: str,
    callback: Callback,
    *,
    secrets: Sequence[str],
    settings: Mapping[str, Any],
    now: datetime,
) -> Refusal | None:
    """Check what a vendor sent; None where it is good.

    `settings` are the connection's. Mailchimp signs nothing: the secret is in the URL,
    and whoever called it knew that.
    """
    if vendor == "mailchimp":
        return None
    if vendor == "servicetitan":
        return _servicetitan(callback, secrets=secrets, settings=settings, now=now)
    if vendor not in _SCHEMES:
        return Refusal.UNKNOWN_SCHEME
    return _SCHEMES[vendor](callback, secrets=secrets, now=now)


def _servicetitan(
    callback: Callback,
    *,
    secrets: Sequence[str],
    settings: Mapping[str, Any],
    now: datetime,
) -> Refusal | None:
    """ServiceTitan does not publish header and encoding, so both can be set."""
    if settings.get("webhook_unsigned") == "yes":
        return None
    encoding = settings.get("webhook_encoding") or "either"
    if encoding not in _ENCODINGS:
        return Refusal.UNKNOWN_SCHEME
    return body_mac.verify(
        callback,
        secrets=secrets,
        now=now,
        header=settings.get("webhook_header") or SERVICETITAN_HEADER,
        encoding=cast("Encoding", encoding),
    )

"""ServiceTitan's webhooks, as far as they are known.

Which header holds the signature and how it is written has not been confirmed, nor has
the envelope: header and encoding are settings here, as they are with us.
"""

import hashlib
import hmac
import json
from base64 import b64encode
from dataclasses import dataclass
from uuid import uuid4

from integrations.sandbox.servicetitan.books import Row
from integrations.sandbox.wire import Callback

ENCODINGS = ("hex", "base64")
KEY_LENGTHS = range(32, 65)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """Where callbacks go, and how they are signed; no secret, no signature."""

    url: str
    secret: str = ""
    header: str = "X-ServiceTitan-Signature"
    encoding: str = "hex"
    events: tuple[str, ...] = ()
    """None at all: every event."""

    def __post_init__(self) -> None:
        if self.secret and len(self.secret) not in KEY_LENGTHS:
            raise ValueError("A key has 32 to 64 characters.")
        if self.encoding not in ENCODINGS:
            raise ValueError(f"The encoding is one of {', '.join(ENCODINGS)}.")

    def callback(self, event: str, row: Row) -> Callback | None:
        """Return what tells of an event; None where nobody asked for it."""
        if self.events and event not in self.events:
            return None
        told = {"eventId": str(uuid4()), "eventType": event, "data": row}
        body = json.dumps(told, separators=(",", ":")).encode()
        headers = {"Content-Type": "application/json"}
        if self.secret:
            headers[self.header] = signature(
                body, secret=self.secret, encoding=self.encoding
            )
        return Callback(url=self.url, headers=headers, body=body)


def signature(body: bytes, *, secret: str, encoding: str) -> str:
    """Sign the bytes of a body."""
    digest = hmac.new(secret.encode(), body, hashlib.sha256)
    if encoding == "hex":
        return digest.hexdigest()
    return b64encode(digest.digest()).decode()

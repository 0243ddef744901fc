"""Housecall Pro's webhooks: probed without a signature, and signed from then on."""

import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import datetime

from integrations.sandbox.housecallpro.books import COMPANY, Row, written
from integrations.sandbox.wire import Callback

PROBE = b'{"foo":"bar"}'


@dataclass(slots=True, kw_only=True)
class Hook:
    """Where callbacks go, once the URL has taken the probe."""

    url: str
    secret: str
    is_saved: bool = False

    def probe(self) -> Callback:
        """Return what is sent when the URL is to be saved."""
        headers = {"Content-Type": "application/json"}
        return Callback(url=self.url, headers=headers, body=PROBE)

    def callback(self, event: str, record: Row, *, now: datetime) -> Callback:
        """Return what tells of an event. There is no id of the event."""
        kind = event.rpartition(".")[0]
        member = "appointment" if kind == "job.appointment" else kind
        told = {
            "event": event,
            "event_occurred_at": written(now),
            "company_id": COMPANY,
            member: record,
        }
        body = json.dumps(told, separators=(",", ":")).encode()
        timestamp = str(int(now.timestamp()))
        headers = {
            "Content-Type": "application/json",
            "Api-Timestamp": timestamp,
            "Api-Signature": signature(body, timestamp=timestamp, secret=self.secret),
        }
        return Callback(url=self.url, headers=headers, body=body)


def signature(body: bytes, *, timestamp: str, secret: str) -> str:
    """Sign the time and the bytes of a body."""
    signed = timestamp.encode() + b"." + body
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()

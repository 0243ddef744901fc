"""Connections, and vendors that call them back: signed by the book, not by our code."""

import base64
import hashlib
import hmac
import http.client
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from stripe import WebhookSignature
from twilio.request_validator import RequestValidator

from core.ids import uuid7
from integrations.connectors.port import Caller
from integrations.connectors.registry import connector_of, is_offered
from integrations.models import Connection, ConnectionHealth, FieldMapping
from integrations.rules.things import Inbound, Remote
from integrations.services.connections import hash_of_token
from tests.integrations.vendor import FakeConnector

SECRET = "a-secret-that-both-sides-know"
FORM = "application/x-www-form-urlencoded"
JSON = "application/json"


def make_connection(vendor: str, **given: Any) -> Connection:
    """Make a connection that can be called back under a token of its own."""
    token = f"token-{uuid7()}"
    fields = {"name": token, "inbound_secret": SECRET, "inbound_token": token}
    connection = Connection.objects.create(
        vendor=vendor, inbound_token_hash=hash_of_token(token), **fields | given
    )
    ConnectionHealth.objects.create(connection=connection)
    if is_offered(vendor):
        FieldMapping.objects.bulk_create(
            FieldMapping(
                connection=connection,
                object_type=mapped.kind,
                field=mapped.field,
                remote=mapped.remote,
                direction=mapped.direction,
                winner=mapped.winner,
                choices=dict(mapped.choices),
            )
            for mapped in connector_of(vendor).mapping
        )
    return connection


@dataclass(kw_only=True)
class Call:
    """A request of a vendor, before it is sent."""

    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Heard:
    """What the vendor is answered."""

    status: int
    body: bytes
    headers: dict[str, str]

    def json(self) -> Any:
        return json.loads(self.body)


def path_of(connection: Connection) -> str:
    return f"/api/v1/webhooks/{connection.vendor}/{connection.inbound_token}"


def send(
    base: str, path: str, call: Call | None = None, *, method: str = "POST"
) -> Heard:
    """Send it over a connection of its own, and hear the answer."""
    wire = http.client.HTTPConnection(urlsplit(base).netloc, timeout=20)
    try:
        sent = call or Call(body=b"")
        wire.request(method, path, body=sent.body or None, headers=sent.headers)
        answer = wire.getresponse()
        headers = {name.lower(): value for name, value in answer.getheaders()}
        return Heard(status=answer.status, body=answer.read(), headers=headers)
    finally:
        wire.close()


def _mac(secret: str, message: bytes) -> bytes:
    return hmac.new(secret.encode(), message, hashlib.sha256).digest()


def stripe(
    said: dict[str, Any], *, secret: str = SECRET, at: float | None = None
) -> Call:
    """Sign as Stripe's own client does."""
    stamp = int(at or time.time())
    text = json.dumps(said)
    proof = WebhookSignature._compute_signature(f"{stamp}.{text}", secret)
    headers = {"Content-Type": JSON, "Stripe-Signature": f"t={stamp},v1={proof}"}
    return Call(body=text.encode(), headers=headers)


def housecallpro(
    said: dict[str, Any] | bytes, *, secret: str = SECRET, at: float | None = None
) -> Call:
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    stamp = str(int(at or time.time()))
    proof = _mac(secret, stamp.encode() + b"." + body).hex()
    headers = {
        "Content-Type": JSON,
        "Api-Timestamp": stamp,
        "Api-Signature": proof,
    }
    return Call(body=body, headers=headers)


def servicetitan(said: dict[str, Any], *, secret: str = SECRET) -> Call:
    body = json.dumps(said).encode()
    proof = base64.b64encode(_mac(secret, body)).decode()
    headers = {"Content-Type": JSON, "X-ServiceTitan-Signature": proof}
    return Call(body=body, headers=headers)


def twilio(fields: dict[str, str], *, url: str, secret: str = SECRET) -> Call:
    """Sign as Twilio's own client does."""
    proof = RequestValidator(secret).compute_signature(url, fields)
    headers = {"Content-Type": FORM, "X-Twilio-Signature": proof}
    return Call(body=urlencode(fields).encode(), headers=headers)


def mailchimp(fields: dict[str, str]) -> Call:
    """Sign nothing, as Mailchimp does."""
    return Call(body=urlencode(fields).encode(), headers={"Content-Type": FORM})


def customer_changed(
    *, email: str = "ada@new.example", at: str = "2026-11-20T10:00:00Z"
) -> dict[str, Any]:
    """Return what Housecall Pro says of a customer."""
    record = {
        "id": "cus_1",
        "first_name": "Ada",
        "last_name": "Byron",
        "email": email,
        "mobile_number": "6025550101",
        "updated_at": at,
        "addresses": [],
    }
    return {
        "event": "customer.updated",
        "event_occurred_at": at,
        "company_id": "c1",
        "customer": record,
    }


class ToldConnector(FakeConnector):
    """A connector whose callbacks mean what the test says."""

    heard: list[Inbound] = []
    means: Callable[[Caller, Inbound], list[Remote]]

    def read(self, call: Caller, event: Inbound) -> list[Remote]:
        type(self).heard.append(event)
        return type(self).means(call, event)


def nothing_for_us(call: Caller, event: Inbound) -> list[Remote]:
    return []

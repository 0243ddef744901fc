"""Take a callback in at the door: whose is it, is it true, write it down."""

from dataclasses import dataclass
from datetime import datetime

import structlog

from core.errors import FieldError, Invalid, NotFound, Unauthenticated
from core.outbox.outcomes import storable
from integrations.models import Connection, Vendor
from integrations.rules import envelopes
from integrations.rules.signatures import Callback, verify
from integrations.services.calling import credentials_of
from integrations.services.connections import hash_of_token
from integrations.services.inbox import metering
from integrations.services.inbox.storing import Said, store

log = structlog.get_logger(__name__)

# Headers that help to understand a callback later. Proofs are not among them.
_KEPT_HEADERS = (
    "api-timestamp",
    "content-type",
    "i-twilio-idempotency-token",
    "user-agent",
    "webhook-id",
    "webhook-timestamp",
)
_LONGEST_HEADER = 200
# Credentials that a vendor also signs its callbacks with.
_SIGNING = {Vendor.TWILIO: "auth_token"}
_SIGNING_ELSEWHERE = "webhook_secret"


class NotSignedAsAgreed(Unauthenticated):
    """A callback does not prove that it is from the vendor, or came too late."""

    code = "callback_refused"
    title = "Not signed as agreed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A callback that is stored; `is_new` unless it was told before."""

    event_id: int
    is_new: bool


def called_connection(*, vendor: str, token: str) -> Connection:
    """Return the connection that a URL belongs to, active or not.

    The token is looked up by its hash, so that how long it takes tells nothing of it.

    Raises:
        NotFound
    """
    found = Connection.objects.filter(
        inbound_token_hash=hash_of_token(token), vendor=vendor
    ).first()
    if found is None:
        metering.count(vendor, "unknown")
        raise NotFound
    return found


def is_handshake(*, connection: Connection, callback: Callback) -> bool:
    """Tell whether the vendor only tries the URL; it does so without a proof."""
    return (
        connection.vendor == Vendor.HOUSECALLPRO
        and not callback.header("Api-Signature")
        and envelopes.is_probe_of_housecallpro(callback.body)
    )


def receive(
    *, connection: Connection, callback: Callback, sender: str, now: datetime
) -> Received:
    """Store a callback that is true. When this returns, it is committed.

    Raises:
        NotSignedAsAgreed: `sender`, an address, is written to the log, and no more.
        Invalid: it cannot be read.
    """
    refusal = verify(
        connection.vendor,
        callback,
        secrets=secrets_of(connection, now=now),
        settings=connection.settings,
        now=now,
    )
    if refusal is not None:
        metering.count(connection.vendor, "refused", because=refusal)
        log.warning(
            "callback_refused",
            vendor=connection.vendor,
            connection=str(connection.pk),
            because=refusal,
            sender=sender,
        )
        raise NotSignedAsAgreed
    event_id, is_new = store(connection=connection, said=_said(connection, callback))
    metering.count(connection.vendor, "stored" if is_new else "duplicate")
    return Received(event_id=event_id, is_new=is_new)


def secrets_of(connection: Connection, *, now: datetime) -> list[str]:
    """Return what a callback may be signed with; two while a secret is replaced."""
    found = [connection.inbound_secret]
    until = connection.previous_secret_until
    if until is not None and now < until:
        found.append(connection.previous_secret)
    name = _SIGNING.get(Vendor(connection.vendor), _SIGNING_ELSEWHERE)
    found.append(credentials_of(connection).get(name, ""))
    return [secret for secret in found if secret]


def _said(connection: Connection, callback: Callback) -> Said:
    try:
        envelope = envelopes.envelope_of(
            connection.vendor,
            callback.body,
            content_type=callback.header("Content-Type"),
        )
    except envelopes.Unreadable as error:
        metering.count(connection.vendor, "unreadable")
        fault = FieldError(pointer="", code="unreadable", detail=str(error))
        raise Invalid([fault]) from error
    return Said(
        body=callback.body,
        dedupe_key=storable(envelope.dedupe_key, length=120),
        event_type=envelope.event_type,
        external_id=envelope.external_id,
        occurred_at=envelope.occurred_at,
        headers={
            name: storable(value, length=_LONGEST_HEADER)
            for name in _KEPT_HEADERS
            if (value := callback.header(name))
        },
    )

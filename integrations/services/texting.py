"""Texts through a connection: the provider that `notifications` hands them to."""

from datetime import datetime

from django.conf import settings

from core.actors import SYSTEM
from integrations.connectors.port import Caller
from integrations.connectors.twilio import texts
from integrations.models import Connection, ConnectionState, Vendor
from integrations.rules.refusals import (
    CallFailed,
    NoAnswer,
    NotAllowed,
    Postponed,
    Refused,
)
from integrations.services.calling import caller_for
from integrations.services.connections import mark_needs_attention
from integrations.services.connections.inbound import inbound_path
from leads.models import ConsentAction, ConsentKind, Purpose
from leads.services import Word, record_consent
from notifications.channels import (
    ChannelError,
    HeldBack,
    Message,
    Rejected,
    SwitchedOff,
    Unreachable,
    Unsure,
)


class TwilioProvider:
    """Sends texts by the active Twilio connection (`SMS_PROVIDER` names this class).

    Twilio sends twice what it is asked twice. So a text that may have been sent is
    looked for first.
    """

    def send(self, message: Message, *, now: datetime) -> str:
        connection = _connection()
        call = caller_for(connection)
        try:
            return _send(call, message, callback=_callback(connection))
        except NotAllowed as refusal:
            mark_needs_attention(connection=connection, because=str(refusal), now=now)
            raise SwitchedOff(str(refusal)) from refusal
        except CallFailed as failure:
            raise _what_it_means(failure, message, now=now) from failure


def _connection() -> Connection:
    active = Connection.objects.filter(
        vendor=Vendor.TWILIO, state=ConnectionState.ACTIVE
    )
    connection = active.order_by("created_at").first()
    if connection is None:
        raise SwitchedOff("No connection to Twilio is active.")
    return connection


def _send(call: Caller, message: Message, *, callback: str) -> str:
    if message.perhaps_since is not None:
        sent = texts.find_sent(
            call, to=message.recipient, body=message.body, since=message.perhaps_since
        )
        if sent:
            return sent
    if call.settings.get("look_up_numbers") == "yes" and texts.is_landline(
        call, message.recipient
    ):
        raise Refused("The number is a landline.")
    return texts.send(call, to=message.recipient, body=message.body, callback=callback)


def _callback(connection: Connection) -> str:
    """Return where Twilio tells how far the text came; "" where it cannot reach us."""
    base: str = settings.PUBLIC_BASE_URL
    return base + inbound_path(connection) if base and connection.inbound_token else ""


def _what_it_means(
    failure: CallFailed, message: Message, *, now: datetime
) -> ChannelError:
    if isinstance(failure, Postponed):
        return HeldBack(str(failure), wait=failure.retry_after)
    if isinstance(failure, NoAnswer):
        return Unsure(str(failure))
    if not isinstance(failure, Refused):
        return Unreachable(str(failure))
    if failure.code == texts.OPTED_OUT:
        _heed_opt_out(message, now=now)
    return Rejected(str(failure))


def _heed_opt_out(message: Message, *, now: datetime) -> None:
    """Record what they told the carrier, so that nobody tries again."""
    for purpose in (Purpose.SERVICE, Purpose.MARKETING):
        word = Word(
            contact=message.recipient,
            kind=ConsentKind.SMS,
            purpose=purpose,
            action=ConsentAction.REVOKED,
            source=Vendor.TWILIO,
            evidence="Twilio refused: opted out (21610).",
        )
        record_consent(word=word, actor=SYSTEM, now=now)

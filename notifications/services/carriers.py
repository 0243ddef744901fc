"""What comes back of texts: how far they came, and what people answer."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from core.actors import Actor
from core.errors import NotFound
from leads.models import ConsentAction, ConsentKind, Purpose
from leads.selectors import find_customer
from leads.services import Word, record_consent
from notifications.models import CarrierStatus, Notification, Reply
from notifications.rules.replies import Meaning, meaning_of

_ORDER = {
    "": 0,
    CarrierStatus.QUEUED: 1,
    CarrierStatus.SENT: 2,
    CarrierStatus.DELIVERED: 3,
    CarrierStatus.UNDELIVERED: 3,
    CarrierStatus.FAILED: 3,
}
_SAYS = {
    Meaning.STOP: ConsentAction.REVOKED,
    Meaning.CANCEL: ConsentAction.REVOKED,
    Meaning.START: ConsentAction.GRANTED,
}
# These need nobody: they are done by being heard.
_SETTLED = frozenset({Meaning.STOP, Meaning.START})


@transaction.atomic
def note_carrier(
    *, provider_message_id: str, status: CarrierStatus, error: str = ""
) -> bool:
    """Note how far a text has come; return whether that is news.

    An older callback never moves it back.

    Raises:
        NotFound: no message of ours has that id.
    """
    rows = Notification.objects.select_for_update(of=("self",))
    message = rows.filter(provider_message_id=provider_message_id).first()
    if message is None:
        raise NotFound
    if _ORDER[status] <= _ORDER[message.carrier_status]:
        return False
    message.carrier_status, message.carrier_error = status, error[:200]
    message.save(update_fields=["carrier_status", "carrier_error", "updated_at"])
    return True


@transaction.atomic
def hear_reply(
    *,
    provider_message_id: str,
    sender: str,
    body: str,
    source: str,
    actor: Actor,
    now: datetime,
    stops: bool = False,
    starts: bool = False,
) -> Reply:
    """Keep a text that came in, and do what it asks for; twice is as good as once.

    STOP in any of its forms ends all texts at once, service ones too; START lets
    those about visits go again. All else waits for a person. `stops` and `starts` are
    what the provider has understood, whose word counts too.

    Emits:
        consent.revoked or consent.granted
    """
    known = Reply.objects.filter(provider_message_id=provider_message_id).first()
    if known is not None:
        return known
    meaning = _meaning(body, stops=stops, starts=starts)
    is_settled = meaning in _SETTLED
    reply = Reply.objects.create(
        provider_message_id=provider_message_id,
        sender=sender,
        customer=find_customer(phone=sender),
        body=body[:4000],
        meaning=meaning.value,
        received_at=now,
        handled_at=now if is_settled else None,
        handled_by="system" if is_settled else "",
    )
    _record(reply, meaning, source=source, actor=actor, now=now)
    return reply


@transaction.atomic
def handle_reply(*, reply_id: UUID, actor: Actor, now: datetime) -> Reply:
    """Take a reply off the list of those that wait; twice is as good as once.

    Raises:
        NotFound
    """
    reply = Reply.objects.select_for_update().filter(pk=reply_id).first()
    if reply is None:
        raise NotFound
    if reply.handled_at is None:
        reply.handled_at, reply.handled_by = now, actor.label
        reply.save(update_fields=["handled_at", "handled_by", "updated_at"])
    return reply


def _meaning(body: str, *, stops: bool, starts: bool) -> Meaning:
    meaning = meaning_of(body)
    if meaning is not Meaning.OTHER:
        return meaning
    if stops:
        return Meaning.STOP
    return Meaning.START if starts else meaning


def _record(
    reply: Reply, meaning: Meaning, *, source: str, actor: Actor, now: datetime
) -> None:
    """Record what it says about texts to that number, for all that they may be about.

    A START is about visits alone: advertising needs words that were agreed to.
    """
    action = _SAYS.get(meaning)
    if action is None:
        return
    purposes = [Purpose.SERVICE]
    if action == ConsentAction.REVOKED:
        purposes.append(Purpose.MARKETING)
    for purpose in purposes:
        word = Word(
            contact=reply.sender,
            kind=ConsentKind.SMS,
            purpose=purpose,
            action=action,
            source=source,
            evidence=reply.body,
        )
        record_consent(word=word, actor=actor, now=now)
